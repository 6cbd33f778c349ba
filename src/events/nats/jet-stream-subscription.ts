import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Consumer, ConsumerMessages, JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import type { Logger } from "../../base/logger.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { decodeMessage } from "./nats-codec.ts";
import type { NatsSubscribeOptions } from "./nats-options.ts";
import { NatsSubscription } from "./nats-subscription.ts";
import { finalRefusal } from "./refusals.ts";

const PULL_MS = 30_000;
/** How often the server says that it knows of a pull. After two that did not come it is asked for the consumer. */
const HEARTBEAT_MS = 5000;
const PAUSE_MS = 200;
const BATCH_WAIT_MS = 2;
/** How long the server remembers a subscription without a group whose process has gone. */
const INACTIVE_MS = 300_000;
const MAX_UNACKED_OF_GROUP = 10_000;
/** What no further attempt mends, besides a server's own refusals. */
const FINAL: ReadonlySet<string> = new Set(["InvalidArgumentError", "ClosedConnectionError"]);

export interface JetStreamSubscriptionOptions extends NatsSubscribeOptions {
  client: JetStreamClient;
  manager: JetStreamManager;
  stream: string;
  subject: string;
  topic: string;
  topicOf(subject: string): string;
  ackWaitMs: number;
  /** Resolves when there is a connection. */
  connected(): Promise<void>;
  logger: Logger;
}

/** A subscription to a stream: at least once. The server keeps what is unacked, and the place of a group. */
export class JetStreamSubscription extends NatsSubscription {
  readonly ready: Promise<void>;
  readonly ackWaitMs: number;
  readonly #options: JetStreamSubscriptionOptions;
  readonly #name: string;
  #lastSequence = 0;
  #consumer: Consumer | undefined;
  #pull: ConsumerMessages | undefined;
  readonly #pulling: Promise<void>;

  constructor(options: JetStreamSubscriptionOptions) {
    super(options);
    this.#options = options;
    this.ackWaitMs = options.ackWaitMs;
    // A consumer has one subject, so that a group that is subscribed to several topics has several.
    const place = createHash("sha256").update(options.subject).digest("hex").slice(0, 8);
    this.#name = options.group === undefined ? randomUUID() : `${options.group}_${place}`;
    this.ready = this.#create();
    this.ready.catch(() => {});
    this.#pulling = this.#pullAll();
  }

  /** What was asked of a server that has gone is asked again. */
  onReconnect(): void {
    this.#pull?.stop();
  }

  protected override async isDrained(): Promise<boolean> {
    try {
      const { num_pending, num_ack_pending } = await this.#options.manager.consumers.info(
        this.#options.stream,
        this.#name,
      );
      if (num_pending === 0 && num_ack_pending === 0) return true;
    } catch {
      // Asked again when there is a connection.
    }
    await sleep(PAUSE_MS / 10);
    return false;
  }

  protected override halt(): void {
    this.#pull?.stop();
  }

  protected override async leave(): Promise<void> {
    await this.#pulling;
    const { group, manager, stream } = this.#options;
    if (group !== undefined) return;
    await this.ready.catch(() => {});
    await manager.consumers.delete(stream, this.#name);
  }

  /** Makes the consumer, or finds the group's. A server that is away is waited for. */
  async #create(): Promise<void> {
    const { client, manager, stream, subject, group, ackWaitMs, connected } = this.#options;
    const own =
      group === undefined
        ? { ...this.#start(), max_ack_pending: this.window.maxMessages, inactive_threshold: INACTIVE_MS * 1e6 }
        : { deliver_policy: "all" as const, max_ack_pending: MAX_UNACKED_OF_GROUP };
    for (;;) {
      try {
        await connected();
        await manager.consumers.add(stream, {
          durable_name: this.#name,
          filter_subject: subject,
          ack_policy: "explicit",
          ack_wait: ackWaitMs * 1e6,
          ...own,
        });
        this.#consumer = await client.consumers.get(stream, this.#name);
        return;
      } catch (error) {
        if (this.closed || !isRetryable(error)) throw subscribeError(this.#options.topic, error);
        await sleep(PAUSE_MS);
      }
    }
  }

  /** Where a subscription without a group begins: now, or, when the server has forgotten it, where it was. */
  #start(): { deliver_policy: "new" } | { deliver_policy: "by_start_sequence"; opt_start_seq: number } {
    if (this.#lastSequence === 0) return { deliver_policy: "new" };
    return { deliver_policy: "by_start_sequence", opt_start_seq: this.#lastSequence + 1 };
  }

  async #pullAll(): Promise<void> {
    const { topic, logger, connected } = this.#options;
    let lastError = "";
    await this.#closeUnless(this.ready);
    while (!this.closed) {
      while (this.room === 0 && !this.closed) await this.changed();
      // One who acks fast will have room for many in a moment: that saves asking for each.
      if (this.room < this.window.maxMessages / 2) await sleep(BATCH_WAIT_MS);
      if (this.closed) return;
      try {
        await connected();
        await this.#pullSome(this.room);
        lastError = "";
      } catch (error) {
        if (this.closed) return;
        const { message } = error as Error;
        if (message !== lastError) logger.warn(`Trying again to get the messages of "${topic}": ${message}`);
        lastError = message;
        await sleep(PAUSE_MS);
        if (await this.#isGone()) await this.#closeUnless(this.#create());
      }
    }
  }

  /**
   * Has somebody deleted the consumer, alone or with its stream? Not every pull that waits is told so, and none that
   * comes later.
   */
  async #isGone(): Promise<boolean> {
    const { manager, stream } = this.#options;
    try {
      await manager.consumers.info(stream, this.#name);
      return false;
    } catch (error) {
      return finalRefusal(error) !== undefined;
    }
  }

  /** Without a consumer, which the server refuses for good, nothing comes any more. */
  async #closeUnless(created: Promise<void>): Promise<void> {
    try {
      await created;
    } catch (error) {
      if (!this.closed) this.#options.logger.error((error as Error).message);
      this.close();
    }
  }

  async #pullSome(count: number): Promise<void> {
    this.#pull = await this.#consumer!.fetch({
      max_messages: count,
      expires: PULL_MS,
      idle_heartbeat: HEARTBEAT_MS,
    });
    if (this.closed) this.#pull.stop();
    for await (const message of this.#pull) {
      if (this.closed) message.nak();
      else this.#take(message);
    }
    this.#pull = undefined;
  }

  #take(message: JsMsg): void {
    this.#lastSequence = Math.max(this.#lastSequence, message.info.streamSequence);
    this.deliver({
      ...decodeMessage(message),
      topic: this.#options.topicOf(message.subject),
      deliveries: message.info.deliveryCount,
      bytes: message.data.length,
      receipt: {
        ack: () => message.ack(),
        nack: (delayMs) => {
          message.nak(delayMs > 0 ? delayMs : undefined);
          return true;
        },
        working: () => message.working(),
      },
    });
  }
}

function subscribeError(topic: string, cause: unknown): GeppettoError {
  const text = `Cannot subscribe to topic "${topic}": ${(cause as Error).message}`;
  return new GeppettoError("StepError", text, { code: "ERR_NATS", cause });
}

/** A refusal stays one; a lost reply, or a server that is not yet back, is worth another attempt. */
export function isRetryable(error: unknown): boolean {
  return error instanceof Error && !FINAL.has(error.name) && finalRefusal(error) === undefined;
}
