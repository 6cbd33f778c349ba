import { GeppettoError } from "../shared/errors.ts";

/** Longest text of a cause that is told, in characters. */
const MAX_REASON = 500;

/** What the web platform calls a network error: a TypeError. The same request may succeed later where it is transient. */
export function fetchError(reason: string, { isTransient = false, cause }: FetchErrorDetails = {}): GeppettoError {
  return new GeppettoError("TypeError", `fetch failed: ${reason.slice(0, MAX_REASON)}`, {
    code: "ERR_FETCH",
    isTransient,
    cause,
  });
}

interface FetchErrorDetails {
  isTransient?: boolean;
  cause?: unknown;
}

/** What undici says of a port that no request may go to. */
const BAD_PORT = "bad port";

/** More errors within each other than anybody makes. */
const MAX_CAUSES = 8;

/** What a request that failed below us is told as: an error of our own that is among its causes, or a network error. */
export function toFetchError(error: unknown): GeppettoError {
  let last: unknown = error;
  for (let i = 0; i < MAX_CAUSES && last instanceof Error; i++) {
    if (last instanceof GeppettoError) return last;
    const inner: unknown = last instanceof AggregateError ? last.errors[0] : last.cause;
    if (inner === undefined) break;
    last = inner;
  }
  const { message, code } = last as { message?: unknown; code?: unknown };
  const text = typeof message === "string" && message !== "" ? message : String(code ?? last);
  return fetchError(text, { isTransient: text !== BAD_PORT, cause: error });
}
