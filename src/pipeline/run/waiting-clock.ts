/** Counts who waits, and measures how long anybody did. */
export class WaitingClock {
  readonly #timed: boolean;
  #waiting = 0;
  #since = 0;
  #ms = 0;

  /** Without `timed` it only knows whether anybody waits now. */
  constructor(timed: boolean) {
    this.#timed = timed;
  }

  begin(): void {
    if (this.#waiting++ === 0 && this.#timed) this.#since = performance.now();
  }

  end(): void {
    if (--this.#waiting === 0 && this.#timed) this.#ms += performance.now() - this.#since;
  }

  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  /** Milliseconds so far, with those of a wait that goes on. */
  get ms(): number {
    return this.isWaiting && this.#timed ? this.#ms + performance.now() - this.#since : this.#ms;
  }
}
