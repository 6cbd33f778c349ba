import type { FailureFacts } from "./failure-facts.ts";

/** One kind of failure, as it is told. */
export interface FailureKind {
  code: string;
  label: string;
  isTransient: boolean;
}

const CONTEXT_TEXT =
  /context[ _-]?(?:length|window|size)|prompt is too long|(?:input|prompt|request).{0,40}too (?:long|large)|too many (?:input )?tokens|maximum (?:context|prompt|input)|exceeds? the (?:available|maximum|model)\b.{0,40}tokens?|reduce the length of/i;
const QUOTA_TEXT =
  /exceeded your current quota|credit balance is too low|insufficient[ _-](?:quota|balance|credits?|funds)/i;
const KEY_TEXT = /\b(?:invalid|incorrect|missing|wrong|expired|no)\b.{0,20}\bapi[ _-]?key|\bunauthori[sz]ed\b/i;
const MODEL_TEXT =
  /\bmodel\b.{0,100}\b(?:not found|not exist|unknown|not supported|not available|not loaded|no access)|\b(?:unknown|no such|unsupported|invalid|nonexistent) model\b/i;
const BUSY_TEXT =
  /\boverloaded\b|\bover capacity\b|\bserver is busy\b|\btemporarily unavailable\b|\bservice unavailable\b/i;
const REQUEST_TEXT =
  /\binvalid (?:request|param|argument|value|input|type|message)|\bunsupported (?:param|value)|\bfield required\b|\bunprocessable\b/i;

/** Each kind of failure, the narrower ones first. A text counts where no status says more. */
const KINDS: readonly (readonly [FailureKind, (facts: FailureFacts) => boolean])[] = [
  [
    { code: "ERR_QUOTA", label: "quota exhausted", isTransient: false },
    ({ status, tag, text }) =>
      status === 402 || /insufficient_(?:quota|balance)|billing_error/.test(tag) || QUOTA_TEXT.test(text),
  ],
  [
    { code: "ERR_INVALID_KEY", label: "invalid api key", isTransient: false },
    ({ status, tag, text }) =>
      status === 401 ||
      /invalid_api_key|authentication_?error|unauthenticated|unauthori[sz]ed/i.test(tag) ||
      (status === undefined && KEY_TEXT.test(text)),
  ],
  [
    { code: "ERR_RATE_LIMIT", label: "rate limit reached", isTransient: true },
    ({ status, tag, text }) =>
      status === 429 ||
      /rate_?limit|too_?many_?requests|resource_exhausted|throttl/i.test(tag) ||
      (status === undefined && /\brate limit|\btoo many requests/i.test(text)),
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
    ({ status, tag, text }) =>
      /model_?not_?found/i.test(tag) ||
      (status === 404 && /model/i.test(text)) ||
      (status === undefined && MODEL_TEXT.test(text)),
  ],
  [
    { code: "ERR_OVERLOADED", label: "overloaded", isTransient: true },
    ({ status, tag, text }) =>
      status === 529 ||
      status === 503 ||
      /overloaded|insufficient_system_resource|unavailable/i.test(tag) ||
      (status === undefined && BUSY_TEXT.test(text)),
  ],
  [
    { code: "ERR_PROVIDER_TIMEOUT", label: "timed out", isTransient: true },
    ({ status, tag }) => status === 408 || status === 504 || /time_?out|deadline_exceeded/i.test(tag),
  ],
  [
    { code: "ERR_PROVIDER", label: "not supported by the server", isTransient: false },
    ({ status, tag }) => status === 501 || status === 505 || /not_?implemented|unimplemented/i.test(tag),
  ],
  [
    { code: "ERR_PROVIDER", label: "server error", isTransient: true },
    ({ status, tag }) =>
      (status ?? 0) >= 500 || (status === undefined && /(?:server|internal|api)_?error|^internal$/i.test(tag)),
  ],
  [{ code: "ERR_PROVIDER", label: "conflict", isTransient: true }, ({ status }) => status === 409 || status === 425],
  [
    { code: "ERR_PROVIDER", label: "access refused", isTransient: false },
    ({ status, tag }) => status === 403 || /permission|forbidden|access_?denied/i.test(tag),
  ],
  [
    { code: "ERR_PROVIDER", label: "no such address", isTransient: false },
    ({ status, tag }) => status === 404 || status === 405 || /not_?found/i.test(tag),
  ],
  [
    { code: "ERR_BAD_REQUEST", label: "bad request", isTransient: false },
    ({ status, tag, text }) =>
      (status ?? 0) >= 400 ||
      /invalid_?(?:request|param|argument)|bad_?request|unprocessable|validation/i.test(tag) ||
      REQUEST_TEXT.test(text),
  ],
];

/** The kind of a failure; undefined for one that is like no other. */
export function failureKindOf(facts: FailureFacts): FailureKind | undefined {
  return KINDS.find(([, fits]) => fits(facts))?.[0];
}
