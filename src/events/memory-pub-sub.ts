import { createDeferred, type Deferred } from "../base/deferred.ts";
import type { Bus, BusMessage, PublishOptions, SubscribeOptions, Subscription } from "./bus.ts";

class MemorySubscription implements Subscription {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #onClose: () => void;
  readonly #queue: BusMessage[] = [];
  #messages = 0;
  #bytes = 0;
  #closed = false;
  /** The reader that waits for a message. */
  #reader: Deferred<void> | undefined;
  /** The publisher that waits for room: one at a time, since publishing to a topic is serial. */
  #room: Deferred<void> | undefined;
  readonly #idle: Deferred<void>[] = [];

  constructor({ maxMessages = 64, maxBytes = 256_000 }: SubscribeOptions, onClose: () => void) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
    this.#onClose = onClose;
  }

  hasRoom(bytes: number): boolean {
    if (this.#closed || this.#messages === 0) return true;
    return this.#messages < this.#maxMessages && this.#bytes + bytes <= this.#maxBytes;
  }

  async waitForRoom(bytes: number): Promise<void> {
    while (!this.hasRoom(bytes)) {
      this.#room = createDeferred();
      await this.#room.promise;
    }
  }

  add(topic: string, payload: unknown, bytes: number): void {
    if (this.#closed) return;
    this.#messages++;
    this.#bytes += bytes;
    let acked = false;
    const ack = (): void => {
      if (acked) return;
      acked = true;
      this.#messages--;
      this.#bytes -= bytes;
      this.#room?.resolve();
      if (this.#messages === 0) this.#settleIdle();
    };
    this.#queue.push({ topic, payload, ack });
    this.#reader?.resolve();
  }

  async idle(): Promise<void> {
    if (this.#messages === 0 || this.#closed) return;
    const waiting = createDeferred();
    this.#idle.push(waiting);
    await waiting.promise;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.length = 0;
    this.#reader?.resolve();
    this.#room?.resolve();
    this.#settleIdle();
    this.#onClose();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<BusMessage> {
    try {
      while (!this.#closed) {
        const message = this.#queue.shift();
        if (message !== undefined) yield message;
        else {
          this.#reader = createDeferred();
          await this.#reader.promise;
        }
      }
    } finally {
      this.close();
    }
  }

  #settleIdle(): void {
    for (const waiting of this.#idle.splice(0)) waiting.resolve();
  }
}

/** The bus inside one process: ordered per topic, bounded by acks, nothing kept for late subscribers. */
export class MemoryPubSub implements Bus {
  readonly #subscriptions = new Map<string, Set<MemorySubscription>>();
  /** The last publish to a topic that had to wait: the next one goes after it. */
  readonly #tails = new Map<string, Promise<void>>();

  async publish(topic: string, payload: unknown, { bytes = 0 }: PublishOptions = {}): Promise<void> {
    const tail = this.#tails.get(topic);
    if (tail === undefined && this.#receivers(topic).every((receiver) => receiver.hasRoom(bytes))) {
      for (const receiver of this.#receivers(topic)) receiver.add(topic, payload, bytes);
      return;
    }
    const turn = (async () => {
      await tail;
      await Promise.all(this.#receivers(topic).map((receiver) => receiver.waitForRoom(bytes)));
      for (const receiver of this.#receivers(topic)) receiver.add(topic, payload, bytes);
    })();
    this.#tails.set(topic, turn);
    await turn;
    if (this.#tails.get(topic) === turn) this.#tails.delete(topic);
  }

  subscribe<T = unknown>(topic: string, options: SubscribeOptions = {}): Subscription<T> {
    const subscriptions = this.#subscriptions.get(topic) ?? new Set();
    const subscription = new MemorySubscription(options, () => {
      subscriptions.delete(subscription);
      if (subscriptions.size === 0) this.#subscriptions.delete(topic);
    });
    subscriptions.add(subscription);
    this.#subscriptions.set(topic, subscriptions);
    return subscription as Subscription<T>;
  }

  topics(): string[] {
    return [...this.#subscriptions.keys()];
  }

  close(): void {
    for (const subscriptions of this.#subscriptions.values()) {
      for (const subscription of subscriptions) subscription.close();
    }
  }

  #receivers(topic: string): MemorySubscription[] {
    const pattern = `${topic.slice(0, topic.lastIndexOf(".") + 1)}*`;
    return [...(this.#subscriptions.get(topic) ?? []), ...(this.#subscriptions.get(pattern) ?? [])];
  }
}
