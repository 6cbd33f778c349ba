import { createDeferred, type Deferred } from "../../base/deferred.ts";
import type { SubscribeOptions, Subscription } from "../bus.ts";
import { MessageQueue } from "../message-queue.ts";
import type { Message, MessageMetadata } from "../message.ts";
import type { Decoded } from "./nats-codec.ts";

/** What becomes of a message on the side it came from. */
export interface Receipt {
  ack(): void;
  /** True when the server brings it again; false when that is for the subscription to do. */
  nack(delayMs: number): boolean;
  working(): void;
}

class NatsMessage implements Message {
  readonly uuid: string;
  readonly topic: string;
  readonly metadata: MessageMetadata;
  readonly payload: unknown;
  readonly deliveries: number;
  readonly order: number;
  readonly bytes: number;
  readonly receipt: Receipt;
  readonly #subscription: NatsSubscription;
  settled = false;

  constructor(subscription: NatsSubscription, arrived: Arrived, order: number) {
    const { uuid, metadata, payload, topic, deliveries, bytes, receipt } = arrived;
    this.#subscription = subscription;
    this.uuid = uuid;
    this.topic = topic;
    this.metadata = metadata;
    this.payload = payload;
    this.deliveries = deliveries;
    this.bytes = bytes;
    this.receipt = receipt;
    this.order = order;
  }

  get signal(): AbortSignal {
    return this.#subscription.signal;
  }

  get ack(): () => void {
    return () => {
      if (this.#subscription.release(this)) this.receipt.ack();
    };
  }

  get nack(): (delayMs?: number) => void {
    return (delayMs = 0) => this.#subscription.nack(this, delayMs);
  }

  get working(): () => void {
    return () => {
      if (!this.settled) this.receipt.working();
    };
  }
}

export interface Arrived extends Decoded {
  topic: string;
  deliveries: number;
  bytes: number;
  receipt: Receipt;
}

/** The receiving end that plain subjects and JetStream have in common: queue, window, acks. */
export abstract class NatsSubscription implements Subscription {
  abstract readonly ready: Promise<void>;
  abstract readonly ackWaitMs: number | undefined;
  protected readonly maxMessages: number;
  protected readonly maxBytes: number;
  readonly #queue = new MessageQueue<NatsMessage>();
  readonly #underWay = new Set<NatsMessage>();
  readonly #controller = new AbortController();
  readonly #redeliveries = new Set<NodeJS.Timeout>();
  #waiting: Deferred<void> | undefined;
  #bytes = 0;
  #order = 0;
  #ended: Promise<void> | undefined;

  constructor({ maxMessages = 64, maxBytes = 256_000 }: SubscribeOptions) {
    if (!(maxMessages >= 1)) throw new RangeError(`Cannot subscribe: maxMessages is at least 1, not ${maxMessages}`);
    this.maxMessages = maxMessages;
    this.maxBytes = maxBytes;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  protected get closed(): boolean {
    return this.#controller.signal.aborted;
  }

  /** How many messages there is room for now. */
  protected get room(): number {
    if (this.#underWay.size === 0) return this.maxMessages;
    return this.#bytes >= this.maxBytes ? 0 : this.maxMessages - this.#underWay.size;
  }

  /** Resolves when something has changed since: a message has been settled, or the subscription closed. */
  protected changed(): Promise<void> {
    this.#waiting ??= createDeferred();
    return this.#waiting.promise;
  }

  protected deliver(arrived: Arrived): void {
    const message = new NatsMessage(this, arrived, this.#order++);
    this.#underWay.add(message);
    this.#bytes += message.bytes;
    this.#queue.push(message);
  }

  /** The message is not under way any more. False when it was not. */
  release(message: NatsMessage): boolean {
    message.settled = true;
    if (!this.#underWay.delete(message)) return false;
    this.#bytes -= message.bytes;
    this.#wake();
    return true;
  }

  nack(message: NatsMessage, delayMs: number): void {
    if (!this.#underWay.has(message) || message.settled) return;
    if (message.receipt.nack(delayMs)) {
      this.release(message);
      return;
    }
    message.settled = true;
    this.#underWay.delete(message);
    const { uuid, topic, metadata, payload, bytes, receipt, deliveries, order } = message;
    const again = new NatsMessage(
      this,
      { uuid, topic, metadata, payload, bytes, receipt, deliveries: deliveries + 1 },
      order,
    );
    this.#underWay.add(again);
    if (delayMs <= 0) {
      this.#queue.putBack(again);
      return;
    }
    const timer = setTimeout(() => {
      this.#redeliveries.delete(timer);
      this.#queue.putBack(again);
    }, delayMs);
    this.#redeliveries.add(timer);
  }

  async idle(): Promise<void> {
    while (!this.closed) {
      const settledHere = this.#underWay.size === 0;
      if (settledHere && (await this.nothingLeft()) && this.#underWay.size === 0) return;
      if (this.#underWay.size > 0) await this.changed();
    }
  }

  close(): void {
    void this.end();
  }

  /** Closes; resolves when the server knows. Never rejects. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return {
      next: () => this.#queue.next(),
      return: () => {
        this.close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** Has the server nothing for this subscription that has not been acked? May wait before it answers. */
  protected abstract nothingLeft(): Promise<boolean>;

  /** Takes nothing more from the server. */
  protected abstract halt(): void;

  /** Leaves the server. */
  protected abstract leave(): Promise<void>;

  async #end(): Promise<void> {
    this.#queue.close();
    for (const timer of this.#redeliveries) clearTimeout(timer);
    this.#redeliveries.clear();
    this.#controller.abort();
    // Given back when nothing is asked for any more, or it would come here again.
    this.halt();
    for (const { receipt } of this.#underWay) receipt.nack(0);
    this.#underWay.clear();
    this.#wake();
    await this.leave().catch(() => {});
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
