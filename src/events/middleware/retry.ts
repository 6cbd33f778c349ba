import { setTimeout as sleep } from "node:timers/promises";
import { GeppettoError } from "../../shared/errors.ts";
import { MAX_TIMER_MS } from "../../shared/limits.ts";
import type { Middleware } from "../handler.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

export interface RetryMiddlewareOptions {
  /** Attempts in all; default 3. */
  maxAttempts?: number;
  /** The pause after attempt 1, 2, …, in milliseconds; default 100 doubled each time, at most 10,000. */
  backoff?: (attempt: number) => number;
  /** Default: everything but a ValidationError, which no second attempt would mend. */
  shouldRetry?: (error: unknown, attempt: number) => boolean;
  /** Told before each pause. */
  onRetry?: (error: unknown, attempt: number) => void;
}

/** Calls the handler again after a failure, with pauses; the last failure is the one that counts. */
export function retry(options: RetryMiddlewareOptions = {}): Middleware {
  refuseWrong("retry messages", options, { maxAttempts: "amount", backoff: true, shouldRetry: true, onRetry: true });
  const { maxAttempts = 3, backoff = doubled, shouldRetry = isTransient, onRetry } = options;
  return (next) => async (message, context) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await next(message, context);
      } catch (error) {
        if (attempt >= maxAttempts || context.signal.aborted || !shouldRetry(error, attempt)) throw error;
        onRetry?.(error, attempt);
        await sleep(Math.min(backoff(attempt), MAX_TIMER_MS), undefined, { signal: context.signal }).catch(() => {
          throw error;
        });
      }
    }
  };
}

function doubled(attempt: number): number {
  return Math.min(100 * 2 ** (attempt - 1), 10_000);
}

function isTransient(error: unknown): boolean {
  return !(error instanceof GeppettoError && error.name === "ValidationError");
}
