/** Whose time features live in, and whether they may act by it. */
export interface Timing {
  /** Milliseconds since some moment; never goes back. */
  steady(): number;
  /** What is due waits: an execution is being brought back to where it was. */
  readonly isHeld: boolean;
}

const REAL: Timing = { steady: () => performance.now(), isHeld: false };

/** Tells the features of an engine, which act when it is time, whose time that is. */
export class Pace {
  #timing: Timing = REAL;
  readonly #onRelease: (() => void)[] = [];
  readonly #due = new Map<string, (id: string) => void>();

  get isHeld(): boolean {
    return this.#timing.isHeld;
  }

  steady(): number {
    return this.#timing.steady();
  }

  /** Hears that what is due may go on. */
  onRelease(listener: () => void): void {
    this.#onRelease.push(listener);
  }

  /** What enters the guest by itself as this kind of entry does so, for this id, when the listener is called. */
  onDue(kind: string, listener: (id: string) => void): void {
    this.#due.set(kind, listener);
  }

  /** From here on features live in this time; undefined for this machine's. */
  follow(timing: Timing | undefined): void {
    this.#timing = timing ?? REAL;
  }

  release(): void {
    for (const listener of this.#onRelease) listener();
  }

  due(kind: string, id: string): void {
    this.#due.get(kind)?.(id);
  }
}
