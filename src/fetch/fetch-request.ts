import { GeppettoError } from "../shared/errors.ts";
import { HEADER_VALUE, TOKEN } from "../shared/values/header-text.ts";

/** A request of a script's, checked. */
export interface FetchRequest {
  url: URL;
  method: string;
  headers: [name: string, value: string][];
  body: Buffer | undefined;
  redirect: "follow" | "error" | "manual";
}

const MAX_URL_CHARS = 65_536;
const MAX_HEADERS = 200;
/** Names and values of all headers together, also with the secrets in them. */
export const MAX_HEADER_CHARS = 65_536;

/** What the connection decides, and what would send a request elsewhere than its URL says. */
const REFUSED_HEADERS = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);
const REFUSED_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);

/**
 * Reads what a guest sends as a request.
 *
 * @throws {GeppettoError} ValidationError that names what cannot be sent.
 */
export function parseFetchRequest(fields: Readonly<Record<string, unknown>>): FetchRequest {
  const { url, method, headers, text, base64, redirect } = fields;
  return {
    url: parseURL(url),
    method: parseMethod(method),
    headers: parseHeaders(headers),
    body: parseBody(text, base64),
    redirect: redirect === "error" || redirect === "manual" ? redirect : "follow",
  };
}

function parseURL(url: unknown): URL {
  if (typeof url !== "string" || url.length > MAX_URL_CHARS) {
    throw invalid(`its URL has to be a text of at most ${MAX_URL_CHARS} characters`);
  }
  const parsed = URL.parse(url);
  if (parsed === null) throw invalid("its URL cannot be read");
  parsed.hash = "";
  return parsed;
}

function parseMethod(method: unknown): string {
  if (typeof method !== "string" || method.length > 100 || !TOKEN.test(method))
    throw invalid("its method is not a token");
  if (REFUSED_METHODS.has(method.toUpperCase())) throw invalid(`the method ${method} is not for scripts`);
  // No server knows "patch", and undici would write a warning about it to the host's stderr.
  return method === "patch" ? "PATCH" : method;
}

function parseHeaders(headers: unknown): [string, string][] {
  if (!Array.isArray(headers) || headers.length > MAX_HEADERS) throw invalid(`it may have ${MAX_HEADERS} headers`);
  let left = MAX_HEADER_CHARS;
  return headers.map((header: unknown): [string, string] => {
    const [name, value] = Array.isArray(header) ? (header as unknown[]) : [];
    if (typeof name !== "string" || typeof value !== "string") throw invalid("a header is malformed");
    left -= name.length + value.length;
    if (left < 0) throw tooManyHeaders();
    if (!TOKEN.test(name)) throw invalid("the name of a header is not a token");
    if (!HEADER_VALUE.test(value)) throw invalid(`the value of the header ${name} holds what no header can`);
    const lower = name.toLowerCase();
    if (REFUSED_HEADERS.has(lower) || lower.startsWith("proxy-"))
      throw invalid(`the connection sets the header ${lower}`);
    return [lower, value];
  });
}

function parseBody(text: unknown, base64: unknown): Buffer | undefined {
  if (typeof text === "string") return Buffer.from(text);
  return typeof base64 === "string" ? Buffer.from(base64, "base64") : undefined;
}

export function tooManyHeaders(): GeppettoError {
  return invalid(`its headers may have ${MAX_HEADER_CHARS} characters together`);
}

function invalid(why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot send the request: ${why}`);
}
