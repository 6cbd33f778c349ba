import type { Logger } from "../base/logger.ts";
import type { Publisher, Subscriber } from "./bus.ts";
import { dispatchChatEvent, type ChatEventHandler } from "./chat-event-handler.ts";
import { eventFromJSON } from "./event-from-json.ts";
import type { HandlerContext, Middleware } from "./handler.ts";
import { MemoryPubSub } from "./memory-pub-sub.ts";
import type { Message } from "./message.ts";
import { poisonQueue } from "./middleware/poison-queue.ts";
import { recoverer } from "./middleware/recoverer.ts";
import { Router } from "./router.ts";
import { refuseWrong, type FieldsOf } from "../shared/wrong-option.ts";

/** Anything whose events can be sent to a topic, as a step's can. */
export interface EventSource {
  /** May return, at once or later, what ends it. */
  addPublishedTopic(publisher: Publisher, topic: string): unknown;
}

export interface EventRouterOptions {
  /** Default a {@link MemoryPubSub} of the router's own, which is closed with it. */
  publisher?: Publisher;
  /** Default the publisher, where it is a subscriber too. */
  subscriber?: Subscriber;
  /** Where messages go that cannot be read, with the reason in their metadata; default "poison". */
  poisonTopic?: string;
  /** Inside the poison queue; what a handler fails for comes again, unless something here sees to it. */
  middleware?: readonly Middleware[];
  /** Where raw events are dumped; default stdout. */
  output?: { write(text: string): unknown };
  logger?: Logger;
  closeTimeoutMs?: number;
}

/** The codes of messages that no second attempt makes readable. */
const UNREADABLE: ReadonlySet<unknown> = new Set(["ERR_EVENT", "ERR_UNDECODABLE"]);

/** A handler that returns nothing. */
export type EventHandle = (message: Message, context: HandlerContext) => void | Promise<void>;

const ROUTER_FIELDS: FieldsOf<EventRouterOptions> = {
  publisher: true,
  subscriber: true,
  poisonTopic: true,
  middleware: true,
  output: true,
  logger: true,
  closeTimeoutMs: "amountOrNone",
};

/**
 * Brings the events of steps to those who show, log or count them.
 *
 * @example
 * const router = new EventRouter({ publisher: engine.bus });
 * router.registerChatEventHandler("step.*", { handleFinal: ({ text }) => console.log(text) });
 * void router.run();
 * await router.running();
 */
export class EventRouter implements AsyncDisposable {
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
  readonly #router: Router;
  readonly #output: { write(text: string): unknown };
  readonly #own: MemoryPubSub | undefined;
  /** For each handler of a source, what ends the source's publishing. */
  readonly #ends = new Map<string, () => unknown>();
  #sources = 0;

  /** @throws {TypeError} when the publisher is not a subscriber and none was given. */
  constructor(options: EventRouterOptions = {}) {
    refuseWrong("route events", options, ROUTER_FIELDS);
    const {
      publisher,
      poisonTopic = "poison",
      middleware = [],
      output = process.stdout,
      logger,
      closeTimeoutMs,
    } = options;
    this.#own = publisher === undefined ? new MemoryPubSub() : undefined;
    this.publisher = publisher ?? this.#own!;
    this.subscriber = options.subscriber ?? subscriberOf(this.publisher);
    this.#output = output;
    this.#router = new Router({
      ...(logger === undefined ? {} : { logger }),
      ...(closeTimeoutMs === undefined ? {} : { closeTimeoutMs }),
    });
    const shouldPoison = (error: unknown): boolean => UNREADABLE.has((error as { code?: unknown }).code);
    this.#router.addMiddleware(poisonQueue(this.publisher, poisonTopic, { shouldPoison }), ...middleware, recoverer());
  }

  get isRunning(): boolean {
    return this.#router.isRunning;
  }

  /**
   * Handles the messages of a topic, one at a time and in order.
   *
   * @throws {GeppettoError} ConfigError when the name is taken.
   */
  addHandler(name: string, topic: string, handle: EventHandle): void {
    this.#router.addHandler(name, topic, this.subscriber, handle);
  }

  /** Stops a handler and forgets it. False when no handler has this name. */
  removeHandler(name: string): Promise<boolean> {
    this.#ends.get(name)?.();
    this.#ends.delete(name);
    return this.#router.removeHandler(name);
  }

  /**
   * Parses what a topic or a step publishes, and calls the handler's method for each event. Resolves with the name under
   * which the handler was added.
   *
   * @param source a topic ("step.*"), or a step, which then publishes to a topic of its own.
   * @param options.name default "chat-" and the topic.
   */
  async registerChatEventHandler(
    source: string | EventSource,
    handler: ChatEventHandler,
    options: { name?: string } = {},
  ): Promise<string> {
    refuseWrong("add the handler", options, { name: true });
    const topic = typeof source === "string" ? source : `chat.${++this.#sources}`;
    const name = options.name ?? `chat-${topic}`;
    this.addHandler(name, topic, async (message, { signal }) => {
      const event = await eventFromJSON(message.payload);
      await dispatchChatEvent(handler, event, { message, signal });
    });
    if (typeof source !== "string") {
      const end = await source.addPublishedTopic(this.publisher, topic);
      if (typeof end === "function") this.#ends.set(name, end as () => unknown);
    }
    return name;
  }

  /**
   * Writes a message's payload as JSON, one line each; to be given to `addHandler`.
   *
   * @example
   * router.addHandler("raw", "step.*", router.dumpRawEvents);
   */
  readonly dumpRawEvents: EventHandle = ({ payload }) => {
    this.#output.write(`${typeof payload === "string" ? payload : JSON.stringify(payload)}\n`);
  };

  /** Starts the handlers; resolves when the router is closed. */
  run(options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.#router.run(options);
  }

  /** Resolves when every handler is subscribed: what is published from then on arrives. */
  running(): Promise<void> {
    return this.#router.running();
  }

  /** Waits for handlers at work. A publisher and subscriber that were given stay open. Idempotent. */
  async close(): Promise<void> {
    for (const end of this.#ends.values()) end();
    this.#ends.clear();
    try {
      await this.#router.close();
    } finally {
      this.#own?.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function subscriberOf(publisher: Publisher & Partial<Subscriber>): Subscriber {
  if (publisher.subscribe === undefined)
    throw new TypeError("Cannot make an event router: the publisher is not a subscriber, give one");
  return publisher as Publisher & Subscriber;
}
