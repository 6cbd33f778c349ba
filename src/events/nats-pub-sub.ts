import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { JetStreamPublishOptions } from "@nats-io/jetstream";
import type { MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import { createDeferred, type Deferred } from "../base/deferred.ts";
import { toLogger, type Logger } from "../base/logger.ts";
import { GeppettoError } from "../shared/errors.ts";
import { isObject } from "../shared/is-object.ts";
import { refuseWrong } from "../shared/wrong-option.ts";
import type { Bus, PublishOptions, Subscription } from "./bus.ts";
import { CoreSubscription } from "./nats/core-subscription.ts";
import { isRetryable, JetStreamSubscription } from "./nats/jet-stream-subscription.ts";
import { encodePayload, METADATA_HEADER, traceHeadersIn, UUID_HEADER } from "./nats/nats-codec.ts";
import { BUS_FIELDS, STREAM_FIELDS, type NatsPubSubOptions, type NatsSubscribeOptions } from "./nats/nats-options.ts";
import type { NatsSubscription } from "./nats/nats-subscription.ts";
import { loadPackage } from "./nats/load-package.ts";
import { openStream, type JetStream } from "./nats/open-stream.ts";
import { PublishQueue, type QueuedMessage } from "./nats/publish-queue.ts";
import { checkTopic, checkTopicName } from "./topic-names.ts";

export type { JetStreamOptions, NatsPubSubOptions, NatsSubscribeOptions } from "./nats/nats-options.ts";

const CLOSE_MS = 5000;
const PUBLISH_ACK_MS = 2000;

interface Parts {
  connection: NatsConnection;
  jetStream: JetStream | undefined;
  createHeaders: () => MsgHdrs;
}

/**
 * A bus between processes, over a NATS server. Payloads travel as JSON.
 *
 * On plain subjects a message reaches those who are subscribed when it is published, at most once: what is published
 * while a subscriber, or the server, is away is lost to it, and acks count in the subscriber's process only. With
 * JetStream a message is kept by the server until each subscription, or group of them, has acked it: at least once.
 * In both, a slow subscriber does not slow the publisher. A lost connection is made again; publishing waits for it.
 *
 * Needs the packages @nats-io/transport-node and, for JetStream, @nats-io/jetstream.
 *
 * @example
 * await using bus = await NatsPubSub.connect({ servers: "127.0.0.1:4222", jetStream: true });
 * const subscription = bus.subscribe("jobs", { group: "workers" });
 * await bus.publish("jobs", { id: 1 });
 * for await (const { payload, ack } of subscription) ack();
 */
export class NatsPubSub implements Bus, AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #jetStream: JetStream | undefined;
  readonly #createHeaders: () => MsgHdrs;
  readonly #prefix: string;
  readonly #logger: Logger;
  readonly #outgoing: PublishQueue;
  readonly #subscriptions = new Map<NatsSubscription, string>();
  /** Closes that are under way. */
  readonly #endings = new Set<Promise<void>>();
  /** Resolves when the connection is back; undefined while there is one. */
  #reconnected: Deferred<void> | undefined;
  /** The flush that confirms what has been published on plain subjects since the last one. */
  #flush: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor({ connection, jetStream, createHeaders }: Parts, options: NatsPubSubOptions) {
    this.#connection = connection;
    this.#jetStream = jetStream;
    this.#createHeaders = createHeaders;
    this.#prefix = options.prefix ?? "geppetto";
    this.#logger = toLogger(options.logger);
    this.#outgoing = new PublishQueue({
      send: (item) => (jetStream === undefined ? this.#sendPlain(item) : this.#sendToStream(item, jetStream)),
      isRetryable: (error) => jetStream !== undefined && isRetryable(error),
      publishTimeoutMs: options.publishTimeoutMs ?? 30_000,
    });
    void this.#watch();
  }

  /**
   * Connects and, with JetStream, makes the stream where there is none.
   *
   * @throws {GeppettoError} ConfigError when a package is missing, an option cannot be or a stream cannot be had; StepError when no server
   * responds.
   */
  static async connect(options: NatsPubSubOptions = {}): Promise<NatsPubSub> {
    refuseWrong("connect to NATS", options, BUS_FIELDS);
    if (isObject(options.jetStream)) refuseWrong("use the stream", options.jetStream, STREAM_FIELDS);
    const { servers = "127.0.0.1:4222", reconnectWaitMs = 250, prefix = "geppetto" } = options;
    checkTopicName(prefix);
    const { connect, headers } = await loadPackage(() => import("@nats-io/transport-node"), "@nats-io/transport-node");
    const connection = await connect({
      servers,
      maxReconnectAttempts: -1,
      reconnectTimeWait: reconnectWaitMs,
      pingInterval: 10_000,
      ...options.connection,
    }).catch((error: unknown) => {
      const text = `Cannot connect to NATS at ${String(servers)}: ${(error as Error).message}`;
      throw new GeppettoError("StepError", text, { code: "ERR_NATS", isTransient: true, cause: error });
    });
    try {
      const jetStream = options.jetStream ? await openStream(connection, options.jetStream, prefix) : undefined;
      return new NatsPubSub({ connection, jetStream, createHeaders: headers }, options);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /**
   * @throws {GeppettoError} ValidationError for a payload without a JSON form; StepError when the server did not take the
   * message in time, or, on plain subjects, when the connection was lost before it had.
   */
  async publish(topic: string, payload: unknown, options: PublishOptions = {}): Promise<void> {
    checkTopicName(topic);
    options.signal?.throwIfAborted();
    if (this.#closing !== undefined) throw closedError(topic);
    const metadata = options.metadata === undefined ? "" : JSON.stringify(options.metadata);
    const item: QueuedMessage = {
      topic,
      payload: encodePayload(topic, payload),
      uuid: options.uuid ?? randomUUID(),
      metadata: metadata === "{}" ? "" : metadata,
    };
    return this.#outgoing.add(item, options.signal);
  }

  /** What is published here after this call reaches the subscription; for what others publish, await its `ready`. */
  subscribe<T = unknown>(topic: string, options: NatsSubscribeOptions = {}): Subscription<T> {
    checkTopic(topic);
    if (this.#closing !== undefined)
      throw new GeppettoError("StepError", `Cannot subscribe to topic "${topic}": the bus is closed`);
    if (options.group !== undefined && !/^[\w-]+$/.test(options.group)) {
      throw new TypeError(
        `Cannot subscribe in group "${options.group}": a group has only letters, digits, "-" and "_"`,
      );
    }
    const subscription = this.#open(topic, options);
    this.#subscriptions.set(subscription, topic);
    const resume = this.#outgoing.pause();
    subscription.ready.then(resume, resume);
    subscription.signal.addEventListener("abort", () => this.#onEnd(subscription), { once: true });
    return subscription as Subscription as Subscription<T>;
  }

  topics(): string[] {
    return [...new Set(this.#subscriptions.values())];
  }

  /** Ends subscriptions, waits a few seconds for what is being published, and disconnects. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(topic: string, options: NatsSubscribeOptions): NatsSubscription {
    const common = {
      ...options,
      topic,
      subject: `${this.#prefix}.${topic}`,
      topicOf: (subject: string) => subject.slice(this.#prefix.length + 1),
      logger: this.#logger,
    };
    if (this.#jetStream === undefined) return new CoreSubscription({ ...common, connection: this.#connection });
    const { client, manager, options: stream } = this.#jetStream;
    const connected = (): Promise<void> => this.#reconnected?.promise ?? Promise.resolve();
    return new JetStreamSubscription({
      ...common,
      client,
      manager,
      connected,
      stream: stream.stream,
      ackWaitMs: stream.ackWaitMs,
    });
  }

  #onEnd(subscription: NatsSubscription): void {
    this.#subscriptions.delete(subscription);
    const ending = subscription.end().finally(() => this.#endings.delete(ending));
    this.#endings.add(ending);
  }

  #sendPlain(item: QueuedMessage): Promise<void> {
    const headers = this.#headersOf(item);
    headers.set(UUID_HEADER, item.uuid);
    this.#connection.publish(`${this.#prefix}.${item.topic}`, item.payload, { headers });
    // One reply of the server is enough for everything that is sent in this tick.
    this.#flush ??= Promise.resolve().then(() => {
      this.#flush = undefined;
      return this.#connection.flush();
    });
    return this.#flush;
  }

  async #sendToStream(item: QueuedMessage, { client, options: { stream } }: JetStream): Promise<void> {
    const options: Partial<JetStreamPublishOptions> = { msgID: item.uuid, timeout: PUBLISH_ACK_MS };
    if (item.metadata !== "") options.headers = this.#headersOf(item);
    try {
      await client.publish(`${this.#prefix}.${item.topic}`, item.payload, options);
    } catch (error) {
      // All that the client says where nobody takes the message is that JetStream is not enabled.
      if ((error as Error).name !== "JetStreamNotEnabled") throw error;
      throw new Error(`no stream of the server takes it: "${stream}" is gone, or JetStream is off`, { cause: error });
    }
  }

  #headersOf({ metadata }: QueuedMessage): MsgHdrs {
    const headers = this.#createHeaders();
    if (metadata === "") return headers;
    headers.set(METADATA_HEADER, metadata);
    // Where others look for it, too.
    for (const [name, value] of traceHeadersIn(metadata)) headers.set(name, value);
    return headers;
  }

  /** Stops sending while there is no connection, and has subscriptions ask again when there is. */
  async #watch(): Promise<void> {
    let resume: (() => void) | undefined;
    for await (const { type } of this.#connection.status()) {
      if (type === "disconnect") {
        resume ??= this.#outgoing.pause();
        this.#reconnected ??= createDeferred();
      } else if (type === "reconnect") {
        resume?.();
        resume = undefined;
        this.#reconnected?.resolve();
        this.#reconnected = undefined;
        for (const subscription of this.#subscriptions.keys()) {
          if (subscription instanceof JetStreamSubscription) subscription.onReconnect();
        }
      }
    }
    this.#reconnected?.resolve();
    this.#outgoing.abandon(closedError());
    if (this.#closing !== undefined) return;
    const reason = await this.#connection.closed();
    this.#logger.error(
      `Lost the connection to NATS for good: ${reason instanceof Error ? reason.message : "it was closed"}`,
    );
    await this.close();
  }

  async #close(): Promise<void> {
    const grace = new AbortController();
    const timedOut = sleep(CLOSE_MS, undefined, { signal: grace.signal }).catch(() => {});
    for (const subscription of this.#subscriptions.keys()) subscription.close();
    const ended = Promise.all(this.#endings);
    if (this.#reconnected === undefined) await Promise.race([Promise.all([ended, this.#outgoing.drained()]), timedOut]);
    this.#outgoing.abandon(closedError());
    if (this.#reconnected === undefined) await Promise.race([this.#connection.drain().catch(() => {}), timedOut]);
    await this.#connection.close();
    grace.abort();
  }
}

function closedError(topic?: string): GeppettoError {
  const text =
    topic === undefined ? "Cannot publish: the bus is closed" : `Cannot publish to topic "${topic}": the bus is closed`;
  return new GeppettoError("StepError", text, { code: "ERR_CLOSED" });
}
