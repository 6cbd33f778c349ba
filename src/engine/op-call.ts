/** What serves an op knows of the call. */
export interface OpContext {
  /** Aborted when the guest gives up the call, when its script ends, or when the engine closes. */
  readonly signal: AbortSignal;
  /** Length of the frame that the call came in, in characters. */
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
  #onAbort: (() => void) | undefined;

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

  get isAborted(): boolean {
    return this.#aborted !== undefined;
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
    this.#onAbort?.();
  }

  /** What `work` comes to, or undefined when the call is aborted first. */
  orAborted<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#onAbort = () => resolve(undefined);
      work.then(resolve, reject);
    });
  }
}
