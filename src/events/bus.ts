import type { Message, MessageMetadata } from "./message.ts";
import type { FieldsOf } from "../shared/wrong-option.ts";

/** A message under way on a bus. */
export type BusMessage<T = unknown> = Message<T>;

export interface PublishOptions {
  /** What the message counts against a subscription's byte window; default 0. */
  bytes?: number;
  /** Default a UUID, made when somebody asks for it. */
  uuid?: string;
  /** Default none. */
  metadata?: MessageMetadata;
  /** Gives up waiting for room: the message is not published, and `publish` rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface SubscribeOptions {
  /** Most messages that may be under way, unacked, at a time; default 64. */
  maxMessages?: number;
  /** Most bytes that may be under way; one message always may. Default 256,000. */
  maxBytes?: number;
  /** Names the subscriber in warnings; default its topic. */
  name?: string;
}

export const SUBSCRIBE_FIELDS: FieldsOf<SubscribeOptions> = {
  maxMessages: "amount",
  maxBytes: "amountOrNone",
  name: true,
};

export type SubscriptionWindow = Required<Pick<SubscribeOptions, "maxMessages" | "maxBytes">>;

/**
 * The options with their defaults.
 *
 * @throws {RangeError} where no message may be under way.
 */
export function windowOf({ maxMessages = 64, maxBytes = 256_000 }: SubscribeOptions): SubscriptionWindow {
  if (!(maxMessages >= 1)) throw new RangeError(`Cannot subscribe: maxMessages must be at least 1, got ${maxMessages}`);
  return { maxMessages, maxBytes };
}

/**
 * The messages of a topic, in order of publication. Leaving the loop early closes the subscription; several loops over
 * one subscription share its messages.
 */
export interface Subscription<T = unknown> extends AsyncIterable<Message<T>> {
  /** Resolves when whatever is published from now on, by whomever, will arrive here. At once, in memory. */
  readonly ready: Promise<void>;
  /** How long a message may stay unacked before it comes again, in milliseconds; undefined where that is for ever. */
  readonly ackWaitMs?: number | undefined;
  /** Resolves when everything published so far has been acked, or when the subscription is closed. */
  idle(): Promise<void>;
  /** Ends the iteration; what is still under way is dropped, or, where it outlasts the subscription, given back. Idempotent. */
  close(): void;
}

/** What `publish` may return for a message that was taken at once: nobody needs to wait for it. */
export const PUBLISHED: Promise<void> = Promise.resolve();

/** Takes messages for topics. */
export interface Publisher {
  /**
   * Publishes one message. Resolves when it is in the hands of whatever carries it on: in memory when every
   * subscription of the topic had room for it, so that a slow subscriber slows the publisher.
   *
   * Messages that one publisher publishes to one topic keep the order of the calls, whether awaited or not. Where nobody
   * subscribes the message is gone, unless the implementation keeps messages.
   *
   * @throws {unknown} `options.signal.reason`; whatever keeps the transport from taking the message.
   */
  publish(topic: string, payload: unknown, options?: PublishOptions): Promise<void>;
  /** Lets go of what it holds open. Idempotent. */
  close(): void | Promise<void>;
}

/** Hands out the messages of topics. */
export interface Subscriber {
  /**
   * Every subscription gets every message that is published to its topic while it is open, each at least once until it
   * is acked. `topic` is a name, or a prefix and `*` ("step.*") for all names with one more part.
   *
   * @throws {TypeError} when `topic` is neither.
   */
  subscribe<T = unknown>(topic: string, options?: SubscribeOptions): Subscription<T>;
  /** Closes every subscription. Idempotent. */
  close(): void | Promise<void>;
}

/**
 * Publish/subscribe between steps and those who watch them.
 *
 * Messages of one topic reach each subscription in order. A topic exists while it has subscribers.
 */
export interface Bus extends Publisher, Subscriber {
  /** Names and patterns that have subscribers here now. */
  topics(): string[];
}
