export interface CloseOptions {
  /** How long what runs may go on before it is aborted, in milliseconds. */
  drainMs?: number;
}

/** What an engine or a pool has under way, and how long that may go on once it is closed. */
export class Drain {
  readonly #work = new Set<Promise<unknown>>();
  readonly #onTimeUp: () => void;
  #timer: NodeJS.Timeout | undefined;
  #until = Infinity;

  /** @param onTimeUp ends what still runs */
  constructor(onTimeUp: () => void) {
    this.#onTimeUp = onTimeUp;
  }

  /** Counts something as under way until it is settled. Gives it back. */
  track<T>(work: Promise<T>): Promise<T> {
    const forget = (): void => void this.#work.delete(end);
    const end: Promise<void> = work.then(forget, forget);
    this.#work.add(end);
    return work;
  }

  /** Resolves when nothing is under way any more. */
  async ended(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** Lets what is under way go on for so long from now. The shortest time that was ever given counts. */
  allow(drainMs: number): void {
    const until = performance.now() + drainMs;
    if (until >= this.#until) return;
    this.#until = until;
    clearTimeout(this.#timer);
    if (drainMs === 0) this.#onTimeUp();
    else this.#timer = setTimeout(this.#onTimeUp, drainMs);
  }

  /** Nothing is left that the time could end. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
