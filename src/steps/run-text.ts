import { appendDelta, type StepEvent, type StepKind } from "../shared/step-events.ts";

/** How the completion of a partial event follows from the one before: by the delta, or by it on a new line. */
export type Continuation = "text" | "list";

/** Texts up to this length are compared as fast as they are looked up. */
const LONG_TEXT = 4096;

/** Of an event that says how it goes on; nobody comes across it. A weak map of events would cost V8's collector much more. */
const CONTINUATION = Symbol("continuation");

let isAskedFor = false;

/** From now on runs note how long completions go on. Until then nobody would read it. */
export function askForContinuations(): void {
  isAskedFor = true;
}

/** Notes how a long completion goes on, for those who would have to compare it with the one before. */
export function noteContinuation(event: StepEvent & { type: "partial" }, continuation: Continuation): void {
  if (isAskedFor && event.completion.length > LONG_TEXT)
    Object.defineProperty(event, CONTINUATION, { value: continuation });
}

/** What the run noted; undefined for short texts, and for events that did not come from a run of this process. */
export function continuationOf(event: StepEvent): Continuation | undefined {
  return (event as { [CONTINUATION]?: Continuation })[CONTINUATION];
}

/** The text of a run, made of its partials: pieces, and the rests of the results that the pieces belong to. */
export class RunText {
  #kind: StepKind;
  #completion = "";
  /** The next delta goes on with the text before it, rather than beginning another result's. */
  #goesOn = true;
  /** The text that has gone out of the result that is still to come. */
  #piece = "";
  #partials = 0;
  #continuation: Continuation = "text";

  constructor(kind: StepKind) {
    this.#kind = kind;
  }

  get completion(): string {
    return this.#completion;
  }

  get partials(): number {
    return this.#partials;
  }

  /** How the last delta went on with what was before it. */
  get continuation(): Continuation {
    return this.#continuation;
  }

  get kind(): StepKind {
    return this.#kind;
  }

  /** What has one result has a second one: its results are a list from now on. */
  turnIntoList(): void {
    this.#kind = "list";
  }

  /** Adds a delta, which completes a result or is a piece; gives the completion. */
  add(delta: string, isPiece: boolean): string {
    this.#partials++;
    const { length } = this.#completion;
    this.#completion = appendDelta(this.#kind, this.#completion, delta, this.#goesOn);
    this.#continuation = this.#completion.length === length + delta.length ? "text" : "list";
    this.#goesOn = isPiece;
    this.#piece = isPiece && this.#kind !== "text" ? this.#piece + delta : "";
    return this.#completion;
  }

  /** What of a result's text has not gone out in pieces. A text that is not what the pieces were is not said twice. */
  restOf(text: string): string {
    if (this.#piece === "") return text;
    return text.startsWith(this.#piece) ? text.slice(this.#piece.length) : "";
  }
}
