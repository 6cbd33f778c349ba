import { SafeTypeError, StringToUpperCase } from "../../../src/shared/primordials.ts";
import { customInspect } from "../core/inspect.ts";
import { createAbortController, isAbortSignal, type AbortSignal } from "../web/abort.ts";
import { type InspectFunction, showFields } from "../web/show-fields.ts";
import type { ReadableStream } from "../web/streams.ts";
import { parseUrlRecord } from "../web/url/url.ts";
import { toDomString, toUsvString } from "../web/web-strings.ts";
import { Body, toBody } from "./body.ts";
import { isToken } from "./header-text.ts";
import { Headers, setMissingHeader } from "./headers.ts";

type Redirect = "follow" | "error" | "manual";

/** What a request is, for the runtime's own use. */
export interface RequestState {
  url: string;
  method: string;
  headers: Headers;
  body: Body;
  redirect: Redirect;
  signal: AbortSignal;
}

/** Methods whose case does not count. */
const NORMALIZED = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

function toMethod(given: unknown): string {
  const method = toDomString(given);
  if (!isToken(method)) throw new SafeTypeError(`'${method}' is not a valid HTTP method.`);
  const upper = StringToUpperCase(method);
  if (upper === "CONNECT" || upper === "TRACE" || upper === "TRACK") {
    throw new SafeTypeError(`'${method}' HTTP method is unsupported.`);
  }
  for (let i = 0; i < NORMALIZED.length; i++) if (upper === NORMALIZED[i]) return upper;
  return method;
}

function toRedirect(given: unknown): Redirect {
  const text = toDomString(given);
  if (text === "follow" || text === "error" || text === "manual") return text;
  throw new SafeTypeError(`Cannot use redirect "${text}": it has to be follow, error or manual`);
}

function toSignal(given: unknown): AbortSignal | undefined {
  if (given === undefined || given === null) return undefined;
  if (isAbortSignal(given)) return given;
  throw new SafeTypeError("Cannot use signal: it must be an AbortSignal");
}

function toUrl(input: unknown): string {
  const text = toUsvString(input);
  const record = parseUrlRecord(text);
  if (record === null)
    throw new SafeTypeError(`Failed to parse URL from ${text}: give a whole URL, such as https://example.com/`);
  if (record.username !== "" || record.password !== "") {
    throw new SafeTypeError("Request cannot be constructed from a URL that includes credentials");
  }
  return record.href;
}

/** The state of a branded Request; undefined for everything else. */
export let requestState: (value: unknown) => RequestState | undefined;

/** What is asked of a server. */
export class Request {
  readonly #state: RequestState;

  constructor(input: unknown, init?: unknown) {
    if (arguments.length === 0) throw new SafeTypeError("Cannot make a Request: it needs a URL or a Request");
    if (init !== undefined && init !== null && typeof init !== "object") {
      throw new SafeTypeError("Cannot make a Request: the options must be an object");
    }
    const given = (init ?? {}) as Record<string, unknown>;
    const from = requestState(input);
    const url = from?.url ?? toUrl(input);
    const { method, headers, body, redirect, signal } = given;
    const headersInit = headers === undefined ? from?.headers : headers;
    const state: RequestState = {
      url,
      method: method === undefined ? (from?.method ?? "GET") : toMethod(method),
      headers: headersInit === undefined ? new Headers() : new Headers(headersInit),
      body: new Body({ kind: "none" }),
      redirect: redirect === undefined ? (from?.redirect ?? "follow") : toRedirect(redirect),
      signal: toSignal(signal === undefined ? from?.signal : signal) ?? createAbortController().signal,
    };
    const isBodiless = state.method === "GET" || state.method === "HEAD";
    if (body !== undefined && body !== null) {
      if (isBodiless) throw new SafeTypeError("Request with GET/HEAD method cannot have body.");
      const made = toBody(body);
      state.body = made.body;
      if (made.type !== undefined) setMissingHeader(state.headers, "content-type", made.type);
    } else if (from !== undefined && !from.body.isEmpty) {
      if (isBodiless) throw new SafeTypeError("Request with GET/HEAD method cannot have body.");
      if (!from.body.isUsable) throw new SafeTypeError("Cannot make a Request: the body has been read already");
      state.body = from.body.take();
    }
    this.#state = state;
  }

  get method(): string {
    return this.#state.method;
  }
  get url(): string {
    return this.#state.url;
  }
  get headers(): Headers {
    return this.#state.headers;
  }
  get redirect(): Redirect {
    return this.#state.redirect;
  }
  get signal(): AbortSignal {
    return this.#state.signal;
  }
  get body(): ReadableStream | null {
    return this.#state.body.stream;
  }
  get bodyUsed(): boolean {
    return this.#state.body.isUsed;
  }
  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#state.body.arrayBuffer();
  }
  bytes(): Promise<Uint8Array> {
    return this.#state.body.bytes();
  }
  json(): Promise<unknown> {
    return this.#state.body.json();
  }
  text(): Promise<string> {
    return this.#state.body.text();
  }
  clone(): Request {
    const body = this.#state.body.clone();
    const clone = new Request(this.#state.url, { method: this.#state.method, redirect: this.#state.redirect });
    clone.#state.headers = new Headers(this.#state.headers);
    clone.#state.body = body;
    clone.#state.signal = this.#state.signal;
    return clone;
  }

  [customInspect](depth: number, options: object, inspect: InspectFunction): string {
    const { method, url, headers, redirect } = this.#state;
    return showFields(this, { method, url, headers, redirect, bodyUsed: this.bodyUsed }, depth, options, inspect);
  }

  static {
    requestState = (value) =>
      typeof value === "object" && value !== null && #state in value ? value.#state : undefined;
  }
}
