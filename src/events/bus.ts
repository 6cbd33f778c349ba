/** A message under way on a bus. It is under way until it is acked; acking twice does nothing. */
export interface BusMessage<T = unknown> {
  readonly topic: string;
  readonly payload: T;
  ack(): void;
}

export interface PublishOptions {
  /** What the message counts against a subscription's byte window; default 0. */
  bytes?: number;
}

export interface SubscribeOptions {
  /** Most messages that may be under way, unacked, at a time; default 64. */
  maxMessages?: number;
  /** Most bytes that may be under way; one message always may. Default 256,000. */
  maxBytes?: number;
}

/** The messages of a topic, in order of publication. Breaking out of the loop closes the subscription. */
export interface Subscription<T = unknown> extends AsyncIterable<BusMessage<T>> {
  /** Resolves when everything published so far has been acked, or when the subscription is closed. */
  idle(): Promise<void>;
  /** Ends the iteration; what is still under way is dropped. Idempotent. */
  close(): void;
}

/**
 * Publish/subscribe between steps and those who watch them.
 *
 * Messages of one topic reach each subscription in order. A topic exists while it has subscribers. `publish` resolves
 * when every subscription of the topic had room for the message, so a slow subscriber slows the publisher.
 */
export interface Bus {
  publish(topic: string, payload: unknown, options?: PublishOptions): Promise<void>;
  /** `topic` is a name, or a prefix and `*` ("step.*") for all names with one more part. */
  subscribe<T = unknown>(topic: string, options?: SubscribeOptions): Subscription<T>;
  /** Names and patterns that have subscribers now. */
  topics(): string[];
  /** Closes every subscription. Idempotent. */
  close(): void;
}
