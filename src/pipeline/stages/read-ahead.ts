import type { StreamElement } from "../elements/element.ts";
import type { ElementReader } from "../stage.ts";

export interface ReadAheadOptions {
  /** How much is read ahead; one element more than that fits always. */
  maxSize: number;
  /** Default 1 for each element. */
  sizeOf?: (element: StreamElement) => number;
}

/** Why work that an interrupt has ended was given up. */
const INTERRUPTED: Error = new DOMException("The answer was interrupted", "AbortError");

/**
 * Reads a stage's input while the stage is at work, so that it learns of an interrupt at once and not in order.
 * Bounded: what is ahead waits here, and beyond that in the stages before.
 */
export class ReadAhead {
  readonly #maxSize: number;
  readonly #sizeOf: (element: StreamElement) => number;
  readonly #queue: StreamElement[] = [];
  #size = 0;
  #interrupts = 0;
  #interruption = new AbortController();
  #hasEnded = false;
  #failure: { reason: unknown } | undefined;
  #changed: PromiseWithResolvers<void> | undefined;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(input: ElementReader, { maxSize, sizeOf = () => 1 }: ReadAheadOptions) {
    this.#maxSize = maxSize;
    this.#sizeOf = sizeOf;
    void this.#pump(input);
  }

  /** Aborted as long as an interrupt has been read that {@link next} has not given yet. */
  get interruption(): AbortSignal {
    return this.#interruption.signal;
  }

  /**
   * The next element, in order; undefined at the end.
   *
   * @throws {unknown} what reading the input throws.
   */
  async next(): Promise<StreamElement | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.reason;
      const element = this.#queue.shift();
      if (element !== undefined) {
        this.#leave(element);
        return element;
      }
      if (this.#hasEnded) return undefined;
      this.#changed ??= Promise.withResolvers();
      await this.#changed.promise;
    }
  }

  /** Reads no more. */
  close(): void {
    this.#hasEnded = true;
    this.#room?.resolve();
  }

  async #pump(input: ElementReader): Promise<void> {
    try {
      for await (const element of input) {
        this.#enter(element);
        while (this.#size >= this.#maxSize && !this.#hasEnded) {
          this.#room = Promise.withResolvers();
          await this.#room.promise;
        }
        if (this.#hasEnded) return;
      }
    } catch (reason) {
      this.#failure = { reason };
    } finally {
      this.#hasEnded = true;
      this.#notify();
    }
  }

  #enter(element: StreamElement): void {
    this.#queue.push(element);
    this.#size += this.#sizeOf(element);
    if (element.kind === "interrupt" && this.#interrupts++ === 0) this.#interruption.abort(INTERRUPTED);
    this.#notify();
  }

  #leave(element: StreamElement): void {
    this.#size -= this.#sizeOf(element);
    if (element.kind === "interrupt" && --this.#interrupts === 0) this.#interruption = new AbortController();
    if (this.#size < this.#maxSize) this.#room?.resolve();
  }

  #notify(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }
}
