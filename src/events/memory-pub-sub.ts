import { toLogger, type Logger } from "../base/logger.ts";
import { createDeferred, type Deferred } from "../base/deferred.ts";
import {
  PUBLISHED,
  SUBSCRIBE_FIELDS,
  type Bus,
  type PublishOptions,
  type SubscribeOptions,
  type Subscription,
} from "./bus.ts";
import { KeptMessages, type KeepOptions } from "./kept-messages.ts";
import { Envelope, MemorySubscription } from "./memory-subscription.ts";
import { checkTopic, checkTopicName, isPattern, patternOf } from "./topic-names.ts";
import { refuseWrong } from "../shared/wrong-option.ts";

export interface MemoryPubSubOptions {
  /** Keeps the last messages of each topic for subscribers that come late; default none are kept. */
  keep?: KeepOptions;
  /** Warned of a subscriber that seems to forget `ack`; default stderr. */
  logger?: Logger;
  /** How long a subscriber without room may ack nothing before that; default 10,000. */
  stuckAfterMs?: number;
}

/** A message that waits for room, at its place among those of its topic. */
interface Waiting {
  envelope: Envelope;
  admitted: Deferred<void>;
}

const NONE: readonly MemorySubscription[] = [];

/**
 * The bus inside one process: ordered per topic, bounded by acks. Payloads are handed over as they are. Closed, it has no
 * subscribers any more; publishing to it does nothing.
 *
 * @example
 * const bus = new MemoryPubSub();
 * const subscription = bus.subscribe("greetings");
 * await bus.publish("greetings", "hello");
 * for await (const { payload, ack } of subscription) { ack(); break; }
 */
export class MemoryPubSub implements Bus {
  /** By name or pattern; lists are replaced, not changed, so that they can be walked while they change. */
  readonly #subscriptions = new Map<string, readonly MemorySubscription[]>();
  #patterns = 0;
  readonly #waiting = new Map<string, Waiting[]>();
  /** For a subscription without room, the topics whose next message waits for it, the longest waiting first. */
  readonly #blocked = new Map<MemorySubscription, Set<string>>();
  readonly #kept: KeptMessages | undefined;

  readonly #logger: Logger;
  readonly #stuckAfterMs: number;

  constructor(options: MemoryPubSubOptions = {}) {
    refuseWrong("make a bus", options, { keep: true, logger: true, stuckAfterMs: "milliseconds" });
    const { keep, logger, stuckAfterMs = 10_000 } = options;
    this.#logger = toLogger(logger);
    this.#stuckAfterMs = stuckAfterMs;
    if (keep !== undefined) this.#kept = new KeptMessages(keep);
  }

  publish(topic: string, payload: unknown, options?: PublishOptions): Promise<void> {
    if (topic === "" || topic.endsWith("*")) {
      try {
        checkTopicName(topic);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    if (options?.signal?.aborted === true) return Promise.reject(options.signal.reason);
    if (this.#isUnheard(topic)) return PUBLISHED;
    const envelope = new Envelope(topic, payload, options);
    if (!this.#waiting.has(topic) && this.#admit(envelope)) return PUBLISHED;
    return this.#wait(envelope, options?.signal);
  }

  subscribe<T = unknown>(topic: string, options: SubscribeOptions = {}): Subscription<T> {
    checkTopic(topic);
    refuseWrong("subscribe", options, SUBSCRIBE_FIELDS);
    const subscription = new MemorySubscription(options, {
      onRoom: () => {
        if (this.#blocked.size > 0) this.#onRoom(subscription);
      },
      onClose: () => this.#remove(topic, subscription),
      onStuck: (messages) =>
        this.#logger.warn(
          `The subscriber "${options.name ?? topic}" has acked nothing for ${this.#stuckAfterMs} ms: ${messages} messages are under way, and publishers wait; call ack() for each message`,
        ),
    });
    const others = this.#subscriptions.get(topic) ?? NONE;
    if (others.length === 0 && isPattern(topic)) this.#patterns++;
    this.#subscriptions.set(topic, [...others, subscription]);
    const backlog = this.#kept?.of(topic) ?? [];
    if (backlog.length > 0) subscription.replay(backlog);
    return subscription as Subscription<T>;
  }

  topics(): string[] {
    return [...this.#subscriptions.keys()];
  }

  /** Would nobody get what is published to this topic, now or later? */
  static isUnheard(bus: Bus, topic: string): boolean {
    // One who has put something before our own method hears of all.
    return bus instanceof MemoryPubSub && bus.publish === MemoryPubSub.prototype.publish && bus.#isUnheard(topic);
  }

  /** Drops what is kept of a topic for late subscribers. */
  forget(topic: string): void {
    this.#kept?.forget(topic);
  }

  close(): void {
    for (const subscriptions of this.#subscriptions.values()) {
      for (const subscription of subscriptions) subscription.close();
    }
    this.#kept?.clear();
  }

  #remove(topic: string, subscription: MemorySubscription): void {
    const left = (this.#subscriptions.get(topic) ?? NONE).filter((other) => other !== subscription);
    if (left.length > 0) this.#subscriptions.set(topic, left);
    else {
      this.#subscriptions.delete(topic);
      if (isPattern(topic)) this.#patterns--;
    }
    this.#onRoom(subscription);
  }

  /** Nobody gets what is published to this topic, now or later. */
  #isUnheard(topic: string): boolean {
    // Where nobody subscribes to anything the topic need not be looked at.
    if (this.#kept === undefined && this.#subscriptions.size === 0 && this.#waiting.size === 0) return true;
    if (this.#kept !== undefined || this.#subscriptions.has(topic) || this.#waiting.has(topic)) return false;
    return this.#patterns === 0 || !this.#subscriptions.has(patternOf(topic));
  }

  /** Hands the message to every subscription of its topic, or to none and says which of them it waits for. */
  #admit(envelope: Envelope): boolean {
    const { topic, bytes } = envelope;
    const named = this.#subscriptions.get(topic) ?? NONE;
    const patterned = this.#patterns === 0 ? NONE : (this.#subscriptions.get(patternOf(topic)) ?? NONE);
    const full = named.find((one) => !one.hasRoom(bytes)) ?? patterned.find((one) => !one.hasRoom(bytes));
    if (full !== undefined) {
      full.noteFull(this.#stuckAfterMs);
      const topics = this.#blocked.get(full) ?? new Set();
      this.#blocked.set(full, topics.add(topic));
      return false;
    }
    this.#kept?.add(envelope);
    for (const subscription of named) subscription.add(envelope);
    for (const subscription of patterned) subscription.add(envelope);
    return true;
  }

  async #wait(envelope: Envelope, signal: AbortSignal | undefined): Promise<void> {
    const { topic } = envelope;
    const waiting: Waiting = { envelope, admitted: createDeferred() };
    const line = this.#waiting.get(topic) ?? [];
    line.push(waiting);
    this.#waiting.set(topic, line);
    if (signal === undefined) return waiting.admitted.promise;
    const onAbort = (): void => {
      const place = line.indexOf(waiting);
      if (place < 0) return;
      line.splice(place, 1);
      waiting.admitted.reject(signal.reason);
      this.#advance(topic);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await waiting.admitted.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Admits from the topics that wait for this subscription, one after the other. */
  #onRoom(subscription: MemorySubscription): void {
    const topics = this.#blocked.get(subscription);
    if (topics === undefined) return;
    this.#blocked.delete(subscription);
    for (const topic of topics) {
      topics.delete(topic);
      this.#advance(topic);
      if (!subscription.hasRoom(0)) break;
    }
    if (topics.size > 0)
      this.#blocked.set(subscription, new Set([...topics, ...(this.#blocked.get(subscription) ?? [])]));
  }

  /** Admits what waits for a topic, in order, as long as there is room. */
  #advance(topic: string): void {
    const line = this.#waiting.get(topic);
    if (line === undefined) return;
    for (let next = line[0]; next !== undefined && this.#admit(next.envelope); next = line[0]) {
      line.shift();
      next.admitted.resolve();
    }
    if (line.length === 0) this.#waiting.delete(topic);
  }
}
