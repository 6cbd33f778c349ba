import { toLogger, type Logger } from "../base/logger.ts";
import { GeppettoError } from "../shared/errors.ts";
import { refuseWrong } from "../shared/wrong-option.ts";
import type { Subscriber } from "./bus.ts";
import { HANDLER_FIELDS, type HandleFunction, type HandlerOptions, type Middleware } from "./handler.ts";
import { RouterHandler } from "./router-handler.ts";

export interface RouterOptions {
  /** How long `close()` and `stop()` wait for handlers that are at work; default 30,000. */
  closeTimeoutMs?: number;
  /** How long after a failure a message is tried again; default 100. */
  nackDelayMs?: number;
  logger?: Logger;
}

/**
 * Brings the messages of topics to handlers, and what they return to other topics.
 *
 * A message is acked when its handler has resolved and everything that it returned is published; it is nacked when any of
 * that fails, and logged. Handlers may be added, stopped and started while the router runs.
 *
 * @example
 * const router = new Router();
 * router.addMiddleware(recoverer(), retry({ maxAttempts: 3 }));
 * router.addHandler("shout", "words", bus, ({ payload }) => [{ payload: String(payload).toUpperCase() }], {
 *   publishTo: { publisher: bus, topic: "shouts" },
 * });
 * void router.run();
 * await router.running();
 */
export class Router implements AsyncDisposable {
  readonly #options: Required<RouterOptions>;
  readonly #middleware: Middleware[] = [];
  readonly #handlers = new Map<string, RouterHandler>();
  readonly #running = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #started = false;
  #closing: Promise<void> | undefined;

  /** @throws {GeppettoError} ConfigError for options that cannot be. */
  constructor(options: RouterOptions = {}) {
    refuseWrong("make the router", options, { closeTimeoutMs: "amountOrNone", nackDelayMs: "pause", logger: true });
    const { closeTimeoutMs = 30_000, nackDelayMs = 100, logger } = options;
    this.#options = { closeTimeoutMs, nackDelayMs, logger: toLogger(logger) };
    // Nobody need wait for either.
    this.#running.promise.catch(() => {});
    this.#closed.promise.catch(() => {});
  }

  /** Is it running now? */
  get isRunning(): boolean {
    return this.#started && this.#closing === undefined;
  }

  /** Wraps every handler, those that exist included; it holds from a handler's next message on. */
  addMiddleware(...middleware: Middleware[]): this {
    this.#middleware.push(...middleware);
    for (const handler of this.#handlers.values()) handler.wrap(this.#middleware);
    return this;
  }

  /**
   * Adds a handler; a router that runs starts it at once.
   *
   * @throws {GeppettoError} ConfigError when the name is taken or the router is closed, and for options that cannot be.
   */
  addHandler(
    name: string,
    topic: string,
    subscriber: Subscriber,
    handle: HandleFunction,
    options: HandlerOptions = {},
  ): RouterHandler {
    if (this.#closing !== undefined) throw refused(name, "the router is closed");
    if (this.#handlers.has(name)) throw refused(name, "a handler has this name already");
    refuseWrong(`add the handler "${name}"`, options, HANDLER_FIELDS);
    const handler = new RouterHandler({ ...this.#options, ...options, name, topic, subscriber, handle });
    handler.wrap(this.#middleware);
    this.#handlers.set(name, handler);
    if (this.#started) handler.start();
    return handler;
  }

  /** The handler with this name. */
  handler(name: string): RouterHandler | undefined {
    return this.#handlers.get(name);
  }

  /** Stops a handler and forgets it. False when no handler has this name. */
  async removeHandler(name: string): Promise<boolean> {
    const handler = this.#handlers.get(name);
    if (handler === undefined) return false;
    await handler.stop();
    this.#handlers.delete(name);
    return true;
  }

  /**
   * Starts every handler, and resolves when the router is closed.
   *
   * @throws {GeppettoError} ConfigError when it has run already; TimeoutError as `close()`.
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (this.#started || this.#closing !== undefined) {
      throw new GeppettoError("ConfigError", "Cannot run the router: it has run already; make another");
    }
    this.#started = true;
    const onAbort = (): void => void this.close().catch(() => {});
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    try {
      const handlers = [...this.#handlers.values()];
      for (const handler of handlers) if (this.isRunning) handler.start();
      await Promise.race([Promise.all(handlers.map(({ ready }) => ready)), this.#closed.promise]);
      this.#running.resolve();
      await this.#closed.promise;
    } catch (error) {
      this.#running.reject(error);
      await this.close();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Resolves when the router runs and every handler that it had then is subscribed. */
  running(): Promise<void> {
    return this.#running.promise;
  }

  /**
   * Takes no more messages, waits for handlers at work, and closes the subscriptions. Publishers and subscribers stay
   * open: they belong to whoever made them. Idempotent.
   *
   * @throws {GeppettoError} TimeoutError naming the handlers that did not end in time; their signals are aborted and
   * their messages come again where they can.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const handlers = [...this.#handlers.values()];
    const stopped = await Promise.allSettled(handlers.map((handler) => handler.stop()));
    const late = handlers.filter((_, index) => stopped[index]!.status === "rejected").map(({ name }) => `"${name}"`);
    this.#running.resolve();
    if (late.length === 0) return this.#closed.resolve();
    const error = new GeppettoError(
      "TimeoutError",
      `Cannot close the router in ${this.#options.closeTimeoutMs} ms: still at work: ${late.join(", ")}`,
    );
    this.#closed.reject(error);
    throw error;
  }
}

function refused(name: string, why: string): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot add the handler "${name}": ${why}`);
}
