import type { Outcome } from "../shared/frames.ts";

/** What serves an op knows of the call. */
export interface OpContext {
  /** Aborted when the guest gives up the call, when its script ends, or when the engine closes. */
  readonly signal: AbortSignal;
  /** What the call counts for against the limit of arguments: the length of its frame, or more where that takes much memory. */
  readonly chars: number;
  /** What it takes to keep what came in it, in characters of plain text. */
  readonly weight: number;
}

/** One call of an op, as what serves it sees it. A signal is made when somebody asks for it: most calls need none. */
export class OpCall implements OpContext {
  readonly chars: number;
  readonly weight: number;
  #controller: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;
  #onOver: ((outcome: Outcome | undefined) => void) | undefined;

  constructor(chars: number, weight: number) {
    this.chars = chars;
    this.weight = weight;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
    const onOver = this.#onOver;
    this.#onOver = undefined;
    if (onOver !== undefined) queueMicrotask(() => onOver(undefined));
  }

  /** `onOver` hears once how the call ends: its outcome, or undefined when it is aborted before. */
  begin(onOver: (outcome: Outcome | undefined) => void): void {
    this.#onOver = onOver;
  }

  get isOver(): boolean {
    return this.#onOver === undefined;
  }

  end(outcome: Outcome): void {
    const onOver = this.#onOver;
    // Whatever still refers to the call then keeps no more than it.
    this.#onOver = undefined;
    onOver?.(outcome);
  }
}
