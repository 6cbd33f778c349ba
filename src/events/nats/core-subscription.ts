import type { Msg, NatsConnection, Subscription as ServerSubscription } from "@nats-io/transport-node";
import type { Logger } from "../../base/logger.ts";
import { decodeMessage } from "./nats-codec.ts";
import type { NatsSubscribeOptions } from "./nats-options.ts";
import { NatsSubscription, type Receipt } from "./nats-subscription.ts";

const RECEIPT: Receipt = { ack: () => {}, nack: () => false, working: () => {} };

export interface CoreSubscriptionOptions extends NatsSubscribeOptions {
  connection: NatsConnection;
  subject: string;
  topic: string;
  topicOf(subject: string): string;
  logger: Logger;
}

/** A subscription to plain subjects: at most once. Acks keep the window, nacks bring a message again in this process only. */
export class CoreSubscription extends NatsSubscription {
  readonly ready: Promise<void>;
  readonly ackWaitMs: undefined = undefined;
  readonly #options: CoreSubscriptionOptions;
  readonly #subscription: ServerSubscription;
  /** What has arrived and has no room in the window. */
  readonly #buffer: Msg[] = [];
  #dropped = 0;

  constructor(options: CoreSubscriptionOptions) {
    super(options);
    this.#options = options;
    const { connection, subject, group } = options;
    this.#subscription = connection.subscribe(subject, {
      ...(group === undefined ? {} : { queue: group }),
      callback: (error, message) => {
        if (error === null) this.#arrive(message);
      },
    });
    this.ready = connection.flush().catch(() => {});
    void this.#refill();
  }

  protected override async isDrained(): Promise<boolean> {
    await this.#options.connection.flush().catch(() => {});
    return this.#buffer.length === 0;
  }

  protected override halt(): void {
    this.#buffer.length = 0;
    this.#subscription.unsubscribe();
  }

  protected override leave(): Promise<void> {
    return Promise.resolve();
  }

  #arrive(message: Msg): void {
    if (this.closed) return;
    if (this.#buffer.length === 0 && this.room > 0) return this.#take(message);
    const { maxBuffered = 10_000, topic, logger } = this.#options;
    if (this.#buffer.length < maxBuffered) {
      this.#buffer.push(message);
      return;
    }
    if (this.#dropped++ === 0)
      logger.warn(`Dropping messages of "${topic}": ${maxBuffered} wait already, its subscriber is too slow`);
  }

  #take(message: Msg): void {
    this.deliver({
      ...decodeMessage(message),
      topic: this.#options.topicOf(message.subject),
      deliveries: 1,
      bytes: message.data.length,
      receipt: RECEIPT,
    });
  }

  async #refill(): Promise<void> {
    while (!this.closed) {
      while (this.room > 0 && this.#buffer.length > 0) this.#take(this.#buffer.shift()!);
      if (this.#buffer.length === 0 && this.#dropped > 0) {
        this.#options.logger.warn(`Dropped ${this.#dropped} messages of "${this.#options.topic}"`);
        this.#dropped = 0;
      }
      await this.changed();
    }
  }
}
