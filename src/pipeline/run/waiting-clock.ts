import type { TimeSource } from "../../base/time/time-source.ts";

/** Counts who waits, and measures how long anybody did. */
export class WaitingClock {
  readonly #timed: boolean;
  readonly #time: TimeSource;
  #waiting = 0;
  #since = 0;
  #ms = 0;

  /** Without `timed` it only knows whether anybody waits now. */
  constructor(timed: boolean, time: TimeSource) {
    this.#timed = timed;
    this.#time = time;
  }

  begin(): void {
    if (this.#waiting++ === 0 && this.#timed) this.#since = this.#time.steady();
  }

  end(): void {
    if (--this.#waiting === 0 && this.#timed) this.#ms += this.#time.steady() - this.#since;
  }

  /** Waits for a promise. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    this.begin();
    try {
      return this.#time.isVirtual ? await this.#time.parked(() => promise) : await promise;
    } finally {
      this.end();
    }
  }

  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  /** Milliseconds so far, with those of a wait that goes on. */
  get ms(): number {
    return this.isWaiting && this.#timed ? this.#ms + this.#time.steady() - this.#since : this.#ms;
  }
}
