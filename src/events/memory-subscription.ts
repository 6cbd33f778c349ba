import { randomUUID } from "node:crypto";
import { createDeferred, type Deferred } from "../base/deferred.ts";
import {
  windowOf,
  type PublishOptions,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionWindow,
} from "./bus.ts";
import { NO_METADATA, type Message, type MessageMetadata } from "./message.ts";
import { MessageQueue } from "./message-queue.ts";

/** What was published, once for all subscriptions that get it. */
export class Envelope {
  readonly topic: string;
  readonly payload: unknown;
  readonly bytes: number;
  readonly metadata: MessageMetadata;
  #uuid: string | undefined;

  constructor(topic: string, payload: unknown, options: PublishOptions | undefined) {
    this.topic = topic;
    this.payload = payload;
    this.bytes = options?.bytes ?? 0;
    this.metadata = options?.metadata ?? NO_METADATA;
    this.#uuid = options?.uuid;
  }

  get uuid(): string {
    return (this.#uuid ??= randomUUID());
  }
}

/** Small, since each subscription has one of each message; functions are made when somebody takes them. */
class Delivery implements Message {
  readonly deliveries: number;
  readonly envelope: Envelope;
  readonly order: number;
  settled = false;
  readonly #subscription: MemorySubscription;

  constructor(subscription: MemorySubscription, envelope: Envelope, order: number, deliveries: number) {
    this.#subscription = subscription;
    this.envelope = envelope;
    this.order = order;
    this.deliveries = deliveries;
  }

  get topic(): string {
    return this.envelope.topic;
  }

  get payload(): unknown {
    return this.envelope.payload;
  }

  get uuid(): string {
    return this.envelope.uuid;
  }

  get metadata(): MessageMetadata {
    return this.envelope.metadata;
  }

  get signal(): AbortSignal {
    return this.#subscription.signal;
  }

  get ack(): () => void {
    return () => this.#subscription.settle(this);
  }

  get nack(): (delayMs?: number) => void {
    return (delayMs = 0) => this.#subscription.redeliver(this, delayMs);
  }

  get working(): () => void {
    return () => {};
  }
}

export interface MemorySubscriptionListener {
  /** There may be room for more. */
  onRoom(): void;
  onClose(): void;
  /** Somebody has waited for room so long, and nothing was acked; so many messages are under way. Told once. */
  onStuck(messages: number): void;
}

/** The receiving end of a {@link MemoryPubSub}: a queue and a window. */
export class MemorySubscription implements Subscription {
  readonly #window: SubscriptionWindow;
  readonly #listener: MemorySubscriptionListener;
  readonly #queue = new MessageQueue<Delivery>();
  /** What was published before this subscription and is to come first, as there is room. */
  #backlog: Envelope[] = [];
  readonly #idle: Deferred<void>[] = [];
  #controller: AbortController | undefined;
  #messages = 0;
  #bytes = 0;
  #order = 0;
  #closed = false;
  /** Runs while there is no room. */
  #stuckTimer: NodeJS.Timeout | undefined;
  #wasStuck = false;

  constructor(options: SubscribeOptions, listener: MemorySubscriptionListener) {
    this.#window = windowOf(options);
    this.#listener = listener;
  }

  get ready(): Promise<void> {
    return Promise.resolve();
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#closed) this.#controller.abort();
    return this.#controller.signal;
  }

  hasRoom(bytes: number): boolean {
    return (this.#backlog.length === 0 && this.#fits(bytes)) || this.#closed;
  }

  /** Somebody waits for room from now on. */
  noteFull(stuckAfterMs: number): void {
    if (this.#wasStuck) return;
    this.#stuckTimer ??= setTimeout(() => {
      this.#wasStuck = true;
      this.#listener.onStuck(this.#messages);
    }, stuckAfterMs).unref();
  }

  add(envelope: Envelope): void {
    if (this.#closed) return;
    this.#messages++;
    this.#bytes += envelope.bytes;
    this.#queue.push(new Delivery(this, envelope, this.#order++, 1));
  }

  /** Delivers these first; to be called before anything is added. */
  replay(backlog: Envelope[]): void {
    this.#backlog = backlog;
    this.#refill();
  }

  settle(delivery: Delivery): void {
    if (delivery.settled || this.#closed) return;
    delivery.settled = true;
    this.#moved();
    this.#messages--;
    this.#bytes -= delivery.envelope.bytes;
    if (this.#backlog.length > 0) this.#refill();
    if (this.#backlog.length === 0) this.#listener.onRoom();
    if (this.#messages === 0 && this.#idle.length > 0) this.#settleIdle();
  }

  redeliver(delivery: Delivery, delayMs: number): void {
    if (delivery.settled || this.#closed) return;
    delivery.settled = true;
    const { envelope, order, deliveries } = delivery;
    this.#queue.requeue(new Delivery(this, envelope, order, deliveries + 1), delayMs);
  }

  async idle(): Promise<void> {
    if (this.#messages === 0 || this.#closed) return;
    const waiting = createDeferred();
    this.#idle.push(waiting);
    await waiting.promise;
  }

  close(): void {
    if (this.#closed) return;
    this.#moved();
    this.#closed = true;
    this.#backlog = [];
    this.#queue.close();
    this.#settleIdle();
    this.#listener.onClose();
    this.#controller?.abort();
  }

  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    return this.#queue.iterator(() => this.close());
  }

  #fits(bytes: number): boolean {
    const { maxMessages, maxBytes } = this.#window;
    return this.#messages === 0 || (this.#messages < maxMessages && this.#bytes + bytes <= maxBytes);
  }

  #moved(): void {
    if (this.#stuckTimer === undefined) return;
    clearTimeout(this.#stuckTimer);
    this.#stuckTimer = undefined;
  }

  #refill(): void {
    for (let next = this.#backlog[0]; next !== undefined && this.#fits(next.bytes); next = this.#backlog[0]) {
      this.#backlog.shift();
      this.add(next);
    }
  }

  #settleIdle(): void {
    for (const waiting of this.#idle.splice(0)) waiting.resolve();
  }
}
