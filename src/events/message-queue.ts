/** Where a message stands among those of its subscription. */
interface Ordered {
  readonly order: number;
}

/** What waits to be read, and who waits to read it. */
export class MessageQueue<M extends Ordered> {
  readonly #waiting: M[] = [];
  readonly #readers: ((result: IteratorResult<M, undefined>) => void)[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  get length(): number {
    return this.#waiting.length;
  }

  push(message: M): void {
    if (this.#readers.length === 0) this.#waiting.push(message);
    else this.#readers.shift()!({ done: false, value: message });
  }

  /** A message that has been read comes again, after so long, before those that are later in order. */
  requeue(message: M, delayMs = 0): void {
    if (delayMs > 0) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.requeue(message);
      }, delayMs);
      this.#timers.add(timer);
      return;
    }
    const place = this.#waiting.findIndex(({ order }) => order > message.order);
    if (place < 0) this.push(message);
    else this.#waiting.splice(place, 0, message);
  }

  next(): Promise<IteratorResult<M, undefined>> {
    if (this.#waiting.length > 0) return Promise.resolve({ done: false, value: this.#waiting.shift()! });
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** Reads; `leave` is called where a loop is left early. */
  iterator(leave: () => void): AsyncIterator<M, undefined> {
    return {
      next: () => this.next(),
      return: () => {
        leave();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** Ends every reader; what waits, or is to come again, is dropped. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
    this.#waiting.length = 0;
  }
}
