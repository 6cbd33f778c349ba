import { GeppettoError } from "../../shared/errors.ts";
import { FifoBuffer, MAX_PASSED_OVER, PriorityBuffer, type ElementBuffer } from "../elements/element-buffer.ts";
import { type Reserve, elementBytes } from "../elements/element-bytes.ts";
import { isBarrier, PRIORITIES, type StreamElement } from "../elements/element.ts";

export interface ChannelOptions {
  /** The stage that reads, for errors. */
  name: string;
  /** Most elements that wait. */
  capacity: number;
  /** Do urgent elements overtake? */
  priority: boolean;
  /** How many write: the channel ends when all of them have closed it. */
  writers: number;
  /** Is told what waits; whoever reads gives it back. */
  reserve?: Reserve | undefined;
}

/** What a channel counts, for the metrics of the stage that reads it. */
export interface ChannelCounts {
  /** Elements that were handed over. */
  taken: number;
  /** Most elements that ever waited. */
  maxDepth: number;
}

interface WaitingWriter {
  element: StreamElement;
  resolve: (taken: boolean) => void;
}

/** Writes that may wait in one channel: who does not await them would otherwise fill the memory. */
const MAX_WAITING_WRITES = 1_000;
const WRITTEN = Promise.resolve(true);
const DROPPED = Promise.resolve(false);

/**
 * Carries elements to one stage, from any number of others, in the order in which each of them wrote. Bounded: a write
 * waits for room.
 */
export class Channel {
  readonly counts: ChannelCounts = { taken: 0, maxDepth: 0 };
  readonly #options: ChannelOptions;
  readonly #buffer: ElementBuffer;
  #waitingWriters: WaitingWriter[] = [];
  #wake: PromiseWithResolvers<void> | undefined;
  #writers: number;
  #passedOver = 0;
  #isSealed = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#buffer = options.priority ? new PriorityBuffer() : new FifoBuffer();
    this.#writers = options.writers;
  }

  /** Elements that wait. */
  get depth(): number {
    return this.#buffer.length + this.#waitingWriters.length;
  }

  /** Will nobody read what is written now? */
  get isSealed(): boolean {
    return this.#isSealed;
  }

  /** Takes the element if there is room for it now. */
  tryWrite(element: StreamElement): boolean {
    if (this.#isSealed || this.#buffer.length >= this.#options.capacity || this.#waitingWriters.length > 0)
      return false;
    this.#options.reserve?.(elementBytes(element));
    this.#buffer.push(element);
    if (this.#wake !== undefined) this.#wakeReader();
    this.#noteDepth();
    return true;
  }

  /** Takes as many of the elements from `start` on as there is room for now, and says how many those were. */
  tryWriteMany(elements: readonly StreamElement[], start: number): number {
    if (this.#isSealed || this.#waitingWriters.length > 0) return 0;
    const end = Math.min(elements.length, start + this.#options.capacity - this.#buffer.length);
    for (let i = start; i < end; i++) {
      this.#options.reserve?.(elementBytes(elements[i]!));
      this.#buffer.push(elements[i]!);
    }
    if (end <= start) return 0;
    if (this.#wake !== undefined) this.#wakeReader();
    this.#noteDepth();
    return end - start;
  }

  /**
   * Resolves with true when the element has room, with false when nobody will read it.
   *
   * @throws {GeppettoError} LimitError when too many writes wait already.
   */
  write(element: StreamElement): Promise<boolean> {
    if (this.#isSealed) return DROPPED;
    if (this.tryWrite(element)) return WRITTEN;
    if (this.#waitingWriters.length >= MAX_WAITING_WRITES) {
      const { name } = this.#options;
      throw new GeppettoError(
        "LimitError",
        `Cannot write to stage "${name}": ${MAX_WAITING_WRITES} writes wait already; await each write`,
      );
    }
    this.#options.reserve?.(elementBytes(element));
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waitingWriters.push({ element, resolve });
    this.#noteDepth();
    return promise;
  }

  /** What waits; a promise when nothing waits yet: read again when it resolves; undefined at the end. */
  read(): StreamElement[] | Promise<void> | undefined {
    if (this.#buffer.length > 0) return this.#take();
    if (this.#writers === 0 || this.#isSealed) return undefined;
    // The reader takes for itself when it runs next: what is written until then goes over together.
    this.#wake ??= Promise.withResolvers();
    return this.#wake.promise;
  }

  /** One of those who write has ended. */
  closeWriter(): void {
    this.#writers--;
    if (this.#writers === 0) this.#wakeReader();
  }

  /** Takes no more: whoever waits for room goes on without, and the channel ends when what is in it has been read. */
  seal(): void {
    this.#isSealed = true;
    const waiting = this.#waitingWriters;
    this.#waitingWriters = [];
    for (const { resolve } of waiting) resolve(false);
    this.#wakeReader();
  }

  /** Nobody reads any more: what waits is dropped as well. */
  abandon(): void {
    this.#buffer.clear();
    this.seal();
  }

  #take(): StreamElement[] {
    const taken = this.#buffer.take();
    this.counts.taken += taken.length;
    while (this.#waitingWriters.length > 0 && this.#buffer.length < this.#options.capacity) {
      const { element, resolve } = this.#nextWriter();
      this.#buffer.push(element);
      resolve(true);
    }
    return taken;
  }

  #nextWriter(): WaitingWriter {
    const writers = this.#waitingWriters;
    let best = 0;
    if (this.#options.priority && !isBarrier(writers[0]!.element) && this.#passedOver < MAX_PASSED_OVER) {
      for (let i = 1; i < writers.length && !isBarrier(writers[i]!.element); i++) {
        if (urgency(writers[i]!) > urgency(writers[best]!)) best = i;
      }
    }
    this.#passedOver = best === 0 ? 0 : this.#passedOver + 1;
    return writers.splice(best, 1)[0]!;
  }

  #wakeReader(): void {
    this.#wake?.resolve();
    this.#wake = undefined;
  }

  #noteDepth(): void {
    if (this.depth > this.counts.maxDepth) this.counts.maxDepth = this.depth;
  }
}

function urgency({ element }: WaitingWriter): number {
  return PRIORITIES.indexOf(element.priority);
}
