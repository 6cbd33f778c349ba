export type OutputStream = "stdout" | "stderr";

/** A piece of what a script has printed. */
export interface OutputPiece {
  place: number;
  stream: OutputStream;
  text: string;
}

/** What a piece counts beside its text, in characters: a row is not free. */
const PIECE_COST = 100;
/** A line without an end is kept back for so long, in characters: what is to be redacted may still be coming. */
const MAX_LINE = 16_000;

/**
 * What a script prints, put together to pieces that are worth a row each. What is on one stream without a break is one
 * piece; what is too much is counted.
 */
export class OutputBuffer {
  readonly #maxChars: number;
  readonly #pieces: OutputPiece[] = [];
  #kept = 0;
  /** Characters that were too much. */
  dropped = 0;

  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  /** @param placeOf gives a new piece its place. */
  add(stream: OutputStream, text: string, placeOf: () => number): void {
    const room = Math.max(0, this.#maxChars - this.#kept);
    // Nothing after a gap: what is kept is what was printed first.
    const kept = this.dropped > 0 ? "" : text.slice(0, room);
    this.dropped += text.length - kept.length;
    if (kept === "") return;
    this.#kept += kept.length;
    const last = this.#pieces.at(-1);
    if (last?.stream === stream) last.text += kept;
    else {
      this.#kept += PIECE_COST;
      this.#pieces.push({ place: placeOf(), stream, text: kept });
    }
  }

  /** What can be written: all but a last line that has no end yet, and with `all` that too. */
  take({ all, placeOf }: { all: boolean; placeOf: () => number }): OutputPiece[] {
    const pieces = this.#pieces.splice(0);
    const last = pieces.at(-1);
    if (all || last === undefined) return pieces;
    const end = last.text.lastIndexOf("\n") + 1;
    const rest = last.text.slice(end);
    if (rest === "" || rest.length > MAX_LINE) return pieces;
    if (end === 0) this.#pieces.push(pieces.pop()!);
    else {
      last.text = last.text.slice(0, end);
      this.#pieces.push({ place: placeOf(), stream: last.stream, text: rest });
    }
    return pieces;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }
}
