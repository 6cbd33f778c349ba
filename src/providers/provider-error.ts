import { GeppettoError } from "../shared/errors.ts";
import { cleanProviderText } from "./redact.ts";
import { recordOf, stringOf } from "./input/unknown-fields.ts";

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

interface Kind {
  code: string;
  label: string;
  isTransient: boolean;
}

interface Facts {
  status: number | undefined;
  tag: string;
  text: string;
}

const CONTEXT_TEXT =
  /context[ _-]?(?:length|window|size)|prompt is too long|(?:input|prompt|request).{0,40}too (?:long|large)|too many (?:input )?tokens|maximum (?:context|prompt|input)|exceeds? the (?:available|maximum|model)\b.{0,40}tokens?|reduce the length of/i;
const QUOTA_TEXT =
  /exceeded your current quota|credit balance is too low|insufficient[ _-](?:quota|balance|credits?|funds)/i;
const KINDS: readonly (readonly [Kind, (facts: Facts) => boolean])[] = [
  [
    { code: "ERR_QUOTA", label: "quota exhausted", isTransient: false },
    ({ status, tag, text }) => status === 402 || /insufficient_quota|billing_error/.test(tag) || QUOTA_TEXT.test(text),
  ],
  [
    { code: "ERR_INVALID_KEY", label: "invalid api key", isTransient: false },
    ({ status, tag }) => status === 401 || /invalid_api_key|authentication_error/.test(tag),
  ],
  [
    { code: "ERR_RATE_LIMIT", label: "rate limit reached", isTransient: true },
    ({ status, tag }) => status === 429 || /rate_?limit/i.test(tag),
  ],
  [
    { code: "ERR_CONTEXT_LENGTH", label: "context length exceeded", isTransient: false },
    ({ status, tag, text }) =>
      /context_length|request_too_large/.test(tag) ||
      ((status === undefined || status === 400 || status === 413 || status === 422 || status === 500) &&
        CONTEXT_TEXT.test(text)),
  ],
  [
    { code: "ERR_MODEL_NOT_FOUND", label: "model not found", isTransient: false },
    ({ status, tag, text }) => /model_not_found/.test(tag) || (status === 404 && /model/i.test(text)),
  ],
  [
    { code: "ERR_OVERLOADED", label: "overloaded", isTransient: true },
    ({ status, tag }) => status === 529 || status === 503 || /overloaded/.test(tag),
  ],
  [
    { code: "ERR_PROVIDER_TIMEOUT", label: "timed out", isTransient: true },
    ({ status, tag }) => status === 408 || status === 504 || /timeout_error/.test(tag),
  ],
  [
    { code: "ERR_PROVIDER", label: "server error", isTransient: true },
    ({ status, tag }) => (status ?? 0) >= 500 || (status === undefined && /server_error|api_error/.test(tag)),
  ],
  [{ code: "ERR_PROVIDER", label: "conflict", isTransient: true }, ({ status }) => status === 409],
  [{ code: "ERR_PROVIDER", label: "access refused", isTransient: false }, ({ status }) => status === 403],
  [{ code: "ERR_PROVIDER", label: "no such address", isTransient: false }, ({ status }) => status === 404],
  [
    { code: "ERR_BAD_REQUEST", label: "bad request", isTransient: false },
    ({ status, tag }) => (status ?? 0) >= 400 || /invalid_request|bad_request/.test(tag),
  ],
];

/**
 * Sorts whatever an SDK threw, by its fields and not its class, into a `ProviderError`. Messages read
 * `openai: rate limit reached (429): the provider's text` and contain no key and no path. An error of this project
 * comes back as it is.
 */
export function toProviderError(error: unknown, origin: ErrorOrigin): GeppettoError {
  if (error instanceof GeppettoError) return error;
  const thrown = recordOf(error) ?? {};
  const className = (error as Error | undefined)?.constructor?.name ?? "";
  const failure = (code: string, text: string): GeppettoError =>
    new GeppettoError("ProviderError", `${origin.provider}: ${text}`, { code, isTransient: true });

  if (className === "APIConnectionTimeoutError") return failure("ERR_PROVIDER_TIMEOUT", "timed out: no answer began");
  if (className === "APIConnectionError") {
    const code = systemCode(error);
    return failure("ERR_PROVIDER_UNREACHABLE", `provider unreachable${code ? `: ${code}` : ""}`);
  }
  if (error instanceof SyntaxError) return failure("ERR_PROVIDER_STREAM", "the stream broke: an event is not JSON");
  if (error instanceof TypeError && /terminated|fetch failed|other side closed/.test(error.message)) {
    if (systemCode(error) === "UND_ERR_BODY_TIMEOUT") return failure("ERR_PROVIDER_TIMEOUT", "the stream stalled");
    return failure("ERR_PROVIDER_STREAM", "the stream broke off: the connection was cut");
  }
  const inStream = thrown["status"] === undefined && "error" in thrown;
  return fromAnswer(factsOf(error), inStream, thrown["headers"], stringOf(thrown["requestID"]), origin);
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
  facts: Facts,
  inStream: boolean,
  headers: unknown,
  requestId: string | undefined,
  origin: ErrorOrigin,
): GeppettoError {
  const kind = KINDS.find(([, fits]) => fits(facts))?.[0] ?? {
    code: inStream ? "ERR_PROVIDER_STREAM" : "ERR_PROVIDER",
    label: inStream ? "failed in mid-stream" : "failed",
    isTransient: inStream,
  };
  const status = facts.status === undefined ? "" : ` (${facts.status})`;
  const text = cleanProviderText(facts.text, origin.secrets);
  const hint = kind.code === "ERR_INVALID_KEY" && origin.keyHint ? `; ${origin.keyHint}` : "";
  const message = `${origin.provider}: ${kind.label}${status}${text ? `: ${text}` : ""}${hint}`;
  const error = new GeppettoError("ProviderError", message, {
    code: kind.code,
    status: facts.status,
    isTransient: kind.isTransient && headerOf(headers, "x-should-retry") !== "false",
  });
  const retryAfterMs = readRetryAfter(headers);
  const id = requestId ?? headerOf(headers, "x-request-id") ?? headerOf(headers, "request-id");
  return attachExtras(error, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(id === undefined ? {} : { requestId: id }),
  });
}

/** OpenAI's errors hold the inner object, Anthropic's the whole body; others put a number, or the text, elsewhere. */
function factsOf(error: unknown): Facts {
  const thrown = recordOf(error) ?? {};
  const outer = recordOf(thrown["error"]);
  const inner = recordOf(outer?.["error"]) ?? outer ?? {};
  const codes = [thrown["status"], inner["status_code"], inner["code"]].map(Number);
  const status = codes.find((code) => Number.isInteger(code) && code >= 400 && code <= 599);
  const tag = [inner["type"], inner["code"], thrown["code"], thrown["type"]].filter((tag) => typeof tag === "string");
  const raw = stringOf(recordOf(inner["metadata"])?.["raw"]);
  const text =
    stringOf(inner["message"]) ??
    stringOf(inner["detail"]) ??
    stringOf(outer?.["message"]) ??
    stringOf(thrown["error"]) ??
    stringOf(thrown["message"]) ??
    "";
  return { status, tag: tag.join(" "), text: withoutStatus(raw ? `${text}: ${raw}` : text, status) };
}

/** The SDKs put the status before a body that they cannot read, and say so where there is none. */
function withoutStatus(text: string, status: number | undefined): string {
  const bare = status !== undefined && text.startsWith(`${status} `) ? text.slice(4) : text;
  return /^status code \(no body\)$/.test(bare) ? "" : bare;
}

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

function readRetryAfter(headers: unknown): number | undefined {
  const precise = Number.parseFloat(headerOf(headers, "retry-after-ms") ?? "");
  if (precise >= 0) return precise;
  const given = headerOf(headers, "retry-after");
  if (given === undefined) return undefined;
  const seconds = Number(given);
  if (seconds >= 0) return seconds * 1000;
  const at = Date.parse(given);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
