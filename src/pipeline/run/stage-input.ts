import type { TimeSource } from "../../base/time/time-source.ts";
import type { Channel } from "./channel.ts";
import type { StreamElement } from "../elements/element.ts";
import type { ElementReader } from "../stage.ts";
import { WaitingClock } from "./waiting-clock.ts";
import { type Reserve, elementBytes } from "../elements/element-bytes.ts";

export interface StageInputOptions {
  channel: Channel;
  signal: AbortSignal;
  /** Is called when elements have been taken. */
  onTake: () => void;
  /** Is waiting to be timed? */
  timed: boolean;
  /** Is it to be noted when elements were taken? */
  traced: boolean;
  time: TimeSource;
  /** Gets back what the channel was told to hold, when elements are handed out. */
  reserve?: Reserve | undefined;
}

/** What one stage reads in one execution. */
export class StageInput implements ElementReader {
  /** The element that was taken last. */
  last: StreamElement | undefined;
  /** When that was, on the clock of {@link TimeSource.steady}; 0 where it is not noted. */
  lastAt = 0;
  /** Waiting for elements. */
  readonly waiting: WaitingClock;
  readonly #options: StageInputOptions;
  #batch: StreamElement[] = [];
  #next = 0;

  constructor(options: StageInputOptions) {
    this.#options = options;
    this.waiting = new WaitingClock(options.timed, options.time);
  }

  async readBatch(): Promise<readonly StreamElement[] | undefined> {
    const rest = this.#batch.slice(this.#next);
    this.#batch = [];
    this.#next = 0;
    const batch = rest.length > 0 ? rest : await this.#read();
    this.last = batch?.at(-1);
    const { reserve } = this.#options;
    if (reserve !== undefined) for (const element of batch ?? []) reserve(-elementBytes(element));
    return batch;
  }

  [Symbol.asyncIterator](): AsyncIterator<StreamElement, undefined> {
    return {
      next: () => this.#takeOne() ?? this.#readOne(),
      // What is left stays for the next loop; the stage's end drops it.
      return: async () => ({ done: true, value: undefined }),
    };
  }

  /** What is left is not wanted any more. */
  close(): void {
    this.#batch = [];
    this.#next = 0;
  }

  #takeOne(): Promise<IteratorResult<StreamElement, undefined>> | undefined {
    if (this.#next >= this.#batch.length || this.#options.signal.aborted) return undefined;
    const value = this.#batch[this.#next++]!;
    this.last = value;
    this.#options.reserve?.(-elementBytes(value));
    return Promise.resolve({ done: false, value });
  }

  async #readOne(): Promise<IteratorResult<StreamElement, undefined>> {
    const batch = await this.#read();
    if (batch === undefined) return { done: true, value: undefined };
    // Another loop may have read meanwhile: what it left comes first.
    this.#batch = [...this.#batch.slice(this.#next), ...batch];
    this.#next = 0;
    return (await this.#takeOne()) ?? this.#readOne();
  }

  async #read(): Promise<StreamElement[] | undefined> {
    const { channel, signal, onTake, traced, time } = this.#options;
    for (;;) {
      const yielded = time.giveWay();
      if (yielded !== undefined) await yielded;
      signal.throwIfAborted();
      const found = channel.read();
      if (!(found instanceof Promise)) {
        if (traced) this.lastAt = time.steady();
        if (found !== undefined) onTake();
        return found;
      }
      await this.waiting.wait(found);
    }
  }
}
