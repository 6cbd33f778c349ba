import type { Middleware } from "../handler.ts";

/** Durations are milliseconds. */
export interface HandlerMetrics {
  handled: number;
  failed: number;
  underWay: number;
  /** Messages that it returned to be published. */
  made: number;
  totalMs: number;
  maxMs: number;
}

/** Counts what handlers do. Its place among the middleware says what counts: outermost, retries are one call. */
export class RouterMetrics {
  readonly #handlers = new Map<string, HandlerMetrics>();

  /** To be added to a router, or to one handler. */
  readonly middleware: Middleware = (next) => async (message, context) => {
    const counts = this.#countsOf(context.handler);
    const startedAt = performance.now();
    counts.underWay++;
    try {
      const outgoing = await next(message, context);
      counts.handled++;
      counts.made += outgoing.length;
      return outgoing;
    } catch (error) {
      counts.failed++;
      throw error;
    } finally {
      const ms = performance.now() - startedAt;
      counts.underWay--;
      counts.totalMs += ms;
      counts.maxMs = Math.max(counts.maxMs, ms);
    }
  };

  /** A copy of the counts, by handler. */
  snapshot(): Record<string, HandlerMetrics> {
    return Object.fromEntries([...this.#handlers].map(([name, counts]) => [name, { ...counts }]));
  }

  #countsOf(handler: string): HandlerMetrics {
    let counts = this.#handlers.get(handler);
    if (counts === undefined) {
      counts = { handled: 0, failed: 0, underWay: 0, made: 0, totalMs: 0, maxMs: 0 };
      this.#handlers.set(handler, counts);
    }
    return counts;
  }
}
