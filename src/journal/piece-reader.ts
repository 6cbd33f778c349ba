import { pieceText, type Piece, type PieceShape } from "../shared/frames.ts";
import { JournalError } from "./journal-error.ts";

/** Makes entries again of pieces of text of which only the deltas were written. */
export class PieceReader {
  /** The next one, but for its delta. */
  #next: Piece | undefined;
  readonly #onMore: (chars: number) => void;

  /** @param onMore told how much more text a piece is than its delta; what it throws, {@link text} does */
  constructor(onMore: (chars: number) => void) {
    this.#onMore = onMore;
  }

  /** What is written before the first of several. */
  begin(json: string): void {
    this.#next = parseFirst(json);
  }

  /** The time of those that follow. */
  setTime(digits: string): void {
    const time = Number(digits);
    if (digits === "" || !Number.isSafeInteger(time)) throw unreadable();
    this.#known().time = time;
  }

  /** The text of the next piece. */
  text(delta: string): string {
    const piece = this.#known();
    const text = pieceText({ ...piece, delta });
    piece.seq++;
    this.#onMore(text.length - delta.length);
    return text;
  }

  #known(): Piece {
    if (this.#next === undefined) throw unreadable();
    return this.#next;
  }
}

function parseFirst(json: string): Piece {
  let parts: unknown;
  try {
    parts = JSON.parse(json);
  } catch {
    throw unreadable();
  }
  if (!Array.isArray(parts) || parts.length !== 6) throw unreadable();
  const [seq, time] = parts.splice(4) as unknown[];
  const isPiece = parts.every((part) => typeof part === "string") && isInteger(seq) && isInteger(time);
  if (!isPiece) throw unreadable();
  return { shape: parts as unknown as PieceShape, seq, time, delta: "" };
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function unreadable(): JournalError {
  return new JournalError("it holds a piece of text that cannot be read");
}
