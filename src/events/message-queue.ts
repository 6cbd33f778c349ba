import { afterMs } from "../base/time/after-ms.ts";

/** Where a message stands among those of its subscription. */
interface Ordered {
  readonly order: number;
}

/** Places of messages that have been read. */
const MOST_READ = 32;

type Reader<M> = (result: IteratorResult<M, undefined>) => void;

/** What waits to be read, and who waits to read it. */
export class MessageQueue<M extends Ordered> {
  #waiting: (M | undefined)[] = [];
  /** Those before it have been read. */
  #next = 0;
  /** The one who waits to read; seldom there are others after it. */
  #reader: Reader<M> | undefined;
  readonly #readers: Reader<M>[] = [];
  readonly #stops = new Set<() => void>();
  #closed = false;

  get length(): number {
    return this.#waiting.length - this.#next;
  }

  push(message: M): void {
    const reader = this.#reader;
    if (reader === undefined) this.#waiting.push(message);
    else {
      this.#reader = this.#readers.length === 0 ? undefined : this.#readers.shift();
      reader({ done: false, value: message });
    }
  }

  /** A message that has been read comes again, after so long, before those that are later in order. */
  requeue(message: M, delayMs = 0): void {
    if (delayMs > 0) {
      const stop = afterMs(delayMs, () => {
        this.#stops.delete(stop);
        this.requeue(message);
      });
      this.#stops.add(stop);
      return;
    }
    const place = this.#waiting.findIndex((other, at) => at >= this.#next && other!.order > message.order);
    if (place < 0) this.push(message);
    else this.#waiting.splice(place, 0, message);
  }

  next(): Promise<IteratorResult<M, undefined>> {
    if (this.#next < this.#waiting.length) return Promise.resolve({ done: false, value: this.#take() });
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      if (this.#reader === undefined) this.#reader = resolve;
      else this.#readers.push(resolve);
    });
  }

  #take(): M {
    const message = this.#waiting[this.#next]!;
    this.#waiting[this.#next++] = undefined;
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#next = 0;
    } else if (this.#next > MOST_READ) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    return message;
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
    for (const stop of this.#stops) stop();
    this.#stops.clear();
    const readers = this.#reader === undefined ? [] : [this.#reader, ...this.#readers.splice(0)];
    this.#reader = undefined;
    for (const reader of readers) reader({ done: true, value: undefined });
    this.#waiting.length = 0;
    this.#next = 0;
  }
}
