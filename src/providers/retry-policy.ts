import { GeppettoError } from "../shared/errors.ts";
import { timeSource } from "../base/time/time-source.ts";
import { refuseWrong } from "../shared/wrong-option.ts";
import { attachExtras, providerErrorExtras } from "./provider-error.ts";

export interface RetryOptions {
  /** Requests in all, the first one included; default 3. */
  attempts?: number;
  /** First pause, doubled after each attempt; default 500. */
  baseMs?: number;
  /** Longest pause that is not the provider's wish; default 8,000. */
  maxMs?: number;
}

/** @throws {GeppettoError} ConfigError for one that would be overlooked, or a number that cannot be. */
export function checkRetry(options: RetryOptions | undefined): void {
  if (options !== undefined)
    refuseWrong("retry", options, { attempts: "amount", baseMs: "amountOrNone", maxMs: "amountOrNone" });
}

const MAX_RETRY_AFTER_MS = 60_000;
const JITTER = 0.25;

/**
 * Waits before the next attempt, or throws: the signal's reason after an abort, `error` with the number of attempts
 * when it is not worth another. A provider that asks for a pause gets it, up to a minute; one that asks for more is
 * not asked again.
 */
export async function waitForNextAttempt(
  error: unknown,
  attempt: number,
  options: RetryOptions,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) throw signal.reason;
  const { attempts = 3, baseMs = 500, maxMs = 8000 } = options;
  if (!(error instanceof GeppettoError) || error.name !== "ProviderError") throw error;
  const { retryAfterMs } = providerErrorExtras(error);
  const waitsTooLong = retryAfterMs !== undefined && retryAfterMs > MAX_RETRY_AFTER_MS;
  if (!error.isTransient || attempt >= attempts || waitsTooLong) {
    throw afterAttempts(error, attempt, waitsTooLong && error.isTransient ? retryAfterMs : undefined);
  }
  const backoffMs = Math.min(maxMs, baseMs * 2 ** (attempt - 1)) * (1 - JITTER * timeSource().random());
  await timeSource().sleep(retryAfterMs ?? backoffMs, signal);
}

function afterAttempts(error: GeppettoError, attempts: number, askedWaitMs: number | undefined): GeppettoError {
  const notes = [
    ...(attempts > 1 ? [`after ${attempts} attempts`] : []),
    ...(askedWaitMs === undefined ? [] : [`the provider asks to wait ${Math.ceil(askedWaitMs / 1000)} s`]),
  ];
  const { code, status, isTransient } = error;
  if (notes.length === 0) return attachExtras(error, { attempts });
  const message = `${error.message} (${notes.join("; ")})`;
  const last = new GeppettoError("ProviderError", message, { code, status, isTransient });
  return attachExtras(last, { ...providerErrorExtras(error), attempts });
}
