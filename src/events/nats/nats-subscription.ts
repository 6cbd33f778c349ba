import { createDeferred, type Deferred } from "../../base/deferred.ts";
import { windowOf, type SubscribeOptions, type Subscription, type SubscriptionWindow } from "../bus.ts";
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

  constructor(subscription: NatsSubscription, arrived: IncomingMessage, order: number) {
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

export interface IncomingMessage extends Decoded {
  topic: string;
  deliveries: number;
  bytes: number;
  receipt: Receipt;
}

/** The receiving end that plain subjects and JetStream have in common: queue, window, acks. */
export abstract class NatsSubscription implements Subscription {
  abstract readonly ready: Promise<void>;
  abstract readonly ackWaitMs: number | undefined;
  protected readonly window: SubscriptionWindow;
  readonly #queue = new MessageQueue<NatsMessage>();
  readonly #underWay = new Set<NatsMessage>();
  readonly #controller = new AbortController();
  #waiting: Deferred<void> | undefined;
  #bytes = 0;
  #order = 0;
  #ended: Promise<void> | undefined;

  constructor(options: SubscribeOptions) {
    this.window = windowOf(options);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  protected get closed(): boolean {
    return this.#controller.signal.aborted;
  }

  /** How many messages there is room for now. */
  protected get room(): number {
    const { maxMessages, maxBytes } = this.window;
    if (this.#underWay.size === 0) return maxMessages;
    return this.#bytes >= maxBytes ? 0 : maxMessages - this.#underWay.size;
  }

  /** Resolves when something has changed since: a message has been settled, or the subscription closed. */
  protected changed(): Promise<void> {
    this.#waiting ??= createDeferred();
    return this.#waiting.promise;
  }

  protected deliver(arrived: IncomingMessage): void {
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
    this.#queue.requeue(again, delayMs);
  }

  async idle(): Promise<void> {
    while (!this.closed) {
      const isSettled = this.#underWay.size === 0;
      if (isSettled && (await this.isDrained()) && this.#underWay.size === 0) return;
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
    return this.#queue.iterator(() => this.close());
  }

  /** Has the server nothing for this subscription that has not been acked? May wait before it resolves. */
  protected abstract isDrained(): Promise<boolean>;

  /** Takes nothing more from the server. */
  protected abstract halt(): void;

  /** Leaves the server. */
  protected abstract leave(): Promise<void>;

  async #end(): Promise<void> {
    this.#queue.close();
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
