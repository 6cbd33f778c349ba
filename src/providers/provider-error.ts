import { PackedError } from "../base/bytes/packed-answers.ts";
import { GeppettoError } from "../shared/errors.ts";
import { cleanProviderText } from "./redact.ts";
import { factsOfFailure, type FailureFacts } from "./failures/failure-facts.ts";
import { failureKindOf } from "./failures/failure-kinds.ts";
import { countOf, recordOf, stringOf } from "./input/unknown-fields.ts";

/** What a script never sees of a provider's failure; the properties are not enumerable. */
export interface ProviderErrorExtras {
  /** How long the provider asked to wait before the next attempt. */
  retryAfterMs?: number;
  /** The provider's id of the request, for its support. */
  requestId?: string;
  /** How many requests were made in all. */
  attempts?: number;
}

export interface ErrorOrigin {
  /** The name that the message begins with. */
  provider: string;
  /** Texts that must not show: keys, header values, base URLs. */
  secrets: readonly string[];
  /** Added to the message of an authentication failure. */
  keyHint?: string | undefined;
}

/** What is known of the answer beside what the SDK threw. */
export interface HttpAnswer {
  /** The body of an answer with an error status, or its beginning. */
  readonly errorBody?: string | undefined;
}

/**
 * Sorts whatever an SDK threw, by its fields and not its class, into a `ProviderError`. Messages read
 * `openai: rate limit reached (429): the provider's text` and contain no key and no path. An error of this project
 * comes back as it is.
 */
export function toProviderError(error: unknown, origin: ErrorOrigin, answer: HttpAnswer = {}): GeppettoError {
  for (let cause = error, depth = 0; cause && depth < 5; depth++) {
    if (cause instanceof GeppettoError) return cause;
    if (cause instanceof PackedError) {
      const message = `${origin.provider}: ${cause.message}`;
      return new GeppettoError("ProviderError", message, { code: "ERR_PROVIDER_STREAM" });
    }
    cause = (cause as { cause?: unknown }).cause;
  }
  const thrown = recordOf(error) ?? {};
  const className = (error as Error | undefined)?.constructor?.name ?? "";
  const failure = (code: string, text: string, isTransient = true): GeppettoError =>
    new GeppettoError("ProviderError", `${origin.provider}: ${text}`, { code, isTransient });

  if (className === "APIConnectionTimeoutError") return failure("ERR_PROVIDER_TIMEOUT", "timed out: no answer began");
  if (className === "APIConnectionError") {
    const code = systemCode(error);
    const text = `provider unreachable${code ? `: ${code}` : ""}`;
    return failure("ERR_PROVIDER_UNREACHABLE", text, !PERMANENT_SYSTEM_CODE.test(code ?? ""));
  }
  if (error instanceof SyntaxError) return failure("ERR_PROVIDER_STREAM", "the stream broke: an event is not JSON");
  if (error instanceof TypeError && /terminated|fetch failed|other side closed/.test(error.message)) {
    if (systemCode(error) === "UND_ERR_BODY_TIMEOUT") return failure("ERR_PROVIDER_TIMEOUT", "the stream stalled");
    return failure("ERR_PROVIDER_STREAM", "the stream broke off: the connection was cut");
  }
  const status = countOf(thrown["status"]);
  const facts = factsOfThrown(thrown, answer.errorBody);
  const told = { ...facts, status: status ?? facts.status };
  const text = withoutStatus(told.text, told.status);
  return fromAnswer({ ...told, text }, status === undefined && "error" in thrown, thrown, origin);
}

/** The error for a stream that ended, or went on, in a way that no client can use. */
export function brokenStream(provider: string, text: string): GeppettoError {
  return new GeppettoError("ProviderError", `${provider}: ${text}`, { code: "ERR_PROVIDER_STREAM", isTransient: true });
}

/** Reads what {@link toProviderError} and the retries attached. */
export function providerErrorExtras(error: unknown): ProviderErrorExtras {
  const { retryAfterMs, requestId, attempts } = (recordOf(error) ?? {}) as ProviderErrorExtras;
  return {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(attempts === undefined ? {} : { attempts }),
  };
}

export function attachExtras(error: GeppettoError, extras: ProviderErrorExtras): GeppettoError {
  for (const [key, value] of Object.entries(extras)) {
    Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
  }
  return error;
}

function fromAnswer(
  facts: FailureFacts,
  inStream: boolean,
  { headers, requestID }: Record<string, unknown>,
  origin: ErrorOrigin,
): GeppettoError {
  const kind = failureKindOf(facts) ?? {
    code: inStream ? "ERR_PROVIDER_STREAM" : "ERR_PROVIDER",
    label: inStream ? "failed in mid-stream" : "failed",
    isTransient: inStream,
  };
  const status = facts.status === undefined ? "" : ` (${facts.status})`;
  const text = cleanProviderText(facts.text, origin.secrets);
  const hint = kind.code === "ERR_INVALID_KEY" && origin.keyHint ? `; ${origin.keyHint}` : "";
  const message = `${origin.provider}: ${kind.label}${status}${text ? `: ${text}` : ""}${hint}`;
  const wish = headerOf(headers, "x-should-retry")?.trim().toLowerCase();
  const error = new GeppettoError("ProviderError", message, {
    code: kind.code,
    status: facts.status,
    isTransient: wish === "true" || (kind.isTransient && wish !== "false"),
  });
  const retryAfterMs = readRetryAfter(headers);
  const id = stringOf(requestID) ?? headerOf(headers, "x-request-id") ?? headerOf(headers, "request-id");
  return attachExtras(error, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(id === undefined ? {} : { requestId: id }),
  });
}

/** The body says most; the SDKs keep a part of it, and of some bodies nothing. */
function factsOfThrown(thrown: Record<string, unknown>, errorBody: string | undefined): FailureFacts {
  const fromBody = errorBody === undefined ? undefined : factsOfFailure(parsed(errorBody));
  if (fromBody !== undefined && fromBody.text !== "") return fromBody;
  const own = factsOfFailure(thrown["error"]);
  const tag = [own.tag, stringOf(thrown["code"]), stringOf(thrown["type"])].filter(Boolean).join(" ");
  return { ...own, tag, text: own.text || (stringOf(thrown["message"]) ?? "") };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The SDKs put the status before a body that they cannot read, and say so where there is none. */
function withoutStatus(text: string, status: number | undefined): string {
  const bare = status !== undefined && text.startsWith(`${status} `) ? text.slice(4) : text;
  return /^status code \(no body\)$/.test(bare) ? "" : bare;
}

/** What a certificate or an address that is wrong today will still be in a second. */
const PERMANENT_SYSTEM_CODE = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO|HOSTNAME_MISMATCH|ERR_INVALID_URL/;

function systemCode(error: unknown): string | undefined {
  for (let cause = error, depth = 0; cause && depth < 5; depth++) {
    const code = (cause as { code?: unknown }).code;
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]+$/.test(code)) return code;
    cause = (cause as { cause?: unknown }).cause;
  }
  return undefined;
}

function headerOf(headers: unknown, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  return stringOf(recordOf(headers)?.[name]);
}

const SECONDS = /^\d+(?:\.\d+)?$/;
/** A date in HTTP, in its form of today and in that of before. */
const HTTP_DATE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT)$/;

/** How long to wait; undefined for what is neither a number of at least 0 nor a date that is still to come. */
function readRetryAfter(headers: unknown): number | undefined {
  const precise = secondsOf(headerOf(headers, "retry-after-ms"));
  if (precise !== undefined) return precise;
  const given = headerOf(headers, "retry-after");
  const seconds = secondsOf(given);
  if (seconds !== undefined) return seconds * 1000;
  if (given === undefined || !HTTP_DATE.test(given.trim())) return undefined;
  const waitMs = Date.parse(given.trim()) - Date.now();
  return waitMs > 0 ? waitMs : undefined;
}

function secondsOf(given: string | undefined): number | undefined {
  const text = given?.trim() ?? "";
  const value = SECONDS.test(text) ? Number(text) : Infinity;
  return Number.isFinite(value) ? value : undefined;
}
