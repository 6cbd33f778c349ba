import type { Logger } from "../base/logger.ts";
import { afterMs } from "../base/time/after-ms.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { Subscriber, Subscription } from "./bus.ts";
import { UNDECODABLE, type Message } from "./message.ts";
import type { Handle, HandleFunction, HandlerContext, HandlerOptions, Middleware, OutgoingMessage } from "./handler.ts";

interface RouterHandlerOptions extends HandlerOptions {
  name: string;
  topic: string;
  subscriber: Subscriber;
  handle: HandleFunction;
  closeTimeoutMs: number;
  nackDelayMs: number;
  logger: Logger;
}

/** A handler at work, from start to stop. */
interface Session {
  subscription: Subscription;
  stopped: boolean;
  /** For each worker, what ends its wait for a message. */
  wakes: Set<() => void>;
  abort: AbortController;
  /** Settles when the last worker has finished. */
  ended: Promise<unknown>;
}

/** A named handler of a router. */
export class RouterHandler {
  readonly name: string;
  readonly topic: string;
  readonly #options: RouterHandlerOptions;
  #handle: Handle;
  #session: Session | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: RouterHandlerOptions) {
    this.name = options.name;
    this.topic = options.topic;
    this.#options = options;
    this.#handle = this.#innermost;
  }

  /** Is it subscribed? */
  get isStarted(): boolean {
    return this.#session !== undefined;
  }

  /** Resolves when whatever is published from now on will be handled; at once when the handler is not started. */
  get ready(): Promise<void> {
    return this.#session?.subscription.ready ?? Promise.resolve();
  }

  /** Puts the router's middleware around the handler and its own. */
  wrap(middleware: readonly Middleware[]): void {
    const all = [...middleware, ...(this.#options.middleware ?? [])];
    this.#handle = all.reduceRight((next, wrap) => wrap(next), this.#innermost);
  }

  /** Subscribes. Does nothing when it is started. */
  start(): void {
    if (this.#session !== undefined) return;
    const { subscriber, topic, concurrency = 1, subscribe } = this.#options;
    const subscription = subscriber.subscribe(topic, subscribe);
    const session: Session = {
      subscription,
      stopped: false,
      wakes: new Set(),
      abort: new AbortController(),
      ended: Promise.resolve(),
    };
    this.#session = session;
    session.ended = Promise.all(Array.from({ length: concurrency }, () => this.#work(session)));
  }

  /**
   * Takes no more messages, waits for those at work, and unsubscribes; `start()` starts it again. Idempotent.
   *
   * @throws {GeppettoError} TimeoutError when work has not ended in time; its signal is aborted then.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => (this.#stopping = undefined));
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    const { closeTimeoutMs } = this.#options;
    session.stopped = true;
    for (const wake of session.wakes) wake();
    const { promise: late, resolve } = Promise.withResolvers<"late">();
    const stop = afterMs(closeTimeoutMs, () => resolve("late"));
    const outcome = await Promise.race([session.ended, late]);
    stop();
    const error = new GeppettoError(
      "TimeoutError",
      `Cannot stop the handler "${this.name}" in ${closeTimeoutMs} ms: it is still at work`,
    );
    if (outcome === "late") session.abort.abort(error);
    session.subscription.close();
    this.#session = undefined;
    if (outcome === "late") throw error;
  }

  async #work(session: Session): Promise<void> {
    const { subscription, abort } = session;
    const context: HandlerContext = { handler: this.name, topic: this.topic, signal: abort.signal };
    const messages = subscription[Symbol.asyncIterator]();
    try {
      while (!session.stopped) {
        const message = await nextUnlessWoken(messages, session.wakes);
        if (message === undefined) return;
        await this.#handleOne(message, subscription, context);
      }
    } catch (error) {
      this.#options.logger.error(
        `Cannot go on with the handler "${this.name}": its subscription failed: ${textOf(error)}`,
      );
    }
  }

  async #handleOne(message: Message, { ackWaitMs }: Subscription, context: HandlerContext): Promise<void> {
    const alive = ackWaitMs === undefined ? undefined : setInterval(message.working, ackWaitMs / 2);
    try {
      const outgoing = await this.#handle(message, context);
      await this.#publish(outgoing);
      message.ack();
    } catch (error) {
      const { logger, nackDelayMs } = this.#options;
      logger.error(
        `Cannot handle a message of "${message.topic}": the handler "${this.name}" failed: ${textOf(error)}`,
      );
      message.nack(nackDelayMs);
    } finally {
      clearInterval(alive);
    }
  }

  async #publish(outgoing: readonly OutgoingMessage[]): Promise<void> {
    if (outgoing.length === 0) return;
    const { publishTo } = this.#options;
    if (publishTo === undefined) {
      throw new GeppettoError("ConfigError", `Cannot publish for the handler "${this.name}": it has no publishTo`);
    }
    for (const { payload, ...options } of outgoing)
      await publishTo.publisher.publish(publishTo.topic, payload, options);
  }

  /** The user's function; a message that its transport could not read never reaches it. */
  readonly #innermost: Handle = async (message, context) => {
    const undecodable = message.metadata[UNDECODABLE];
    if (undecodable !== undefined) {
      throw new GeppettoError("ValidationError", `Cannot read a message of "${message.topic}": ${undecodable}`, {
        code: "ERR_UNDECODABLE",
      });
    }
    return (await this.#options.handle(message, context)) ?? [];
  };
}

/** The next message; undefined at the end, or when a wake came first. */
function nextUnlessWoken(messages: AsyncIterator<Message>, wakes: Set<() => void>): Promise<Message | undefined> {
  return new Promise((resolve, reject) => {
    const wake = (): void => resolve(undefined);
    wakes.add(wake);
    messages
      .next()
      .finally(() => wakes.delete(wake))
      .then(({ done, value }) => resolve(done === true ? undefined : value), reject);
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
