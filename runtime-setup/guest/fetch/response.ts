import type { FetchHead } from "../../../src/shared/contract/ops.ts";
import {
  JSONStringifyAny,
  NumberIsInteger,
  SafeNumber,
  SafeRangeError,
  SafeTypeError,
  StringCharCodeAt,
} from "../../../src/shared/primordials.ts";
import { customInspect } from "../core/inspect.ts";
import { type InspectFunction, showFields } from "../web/show-fields.ts";
import type { ReadableStream } from "../web/streams.ts";
import { parseUrlRecord } from "../web/url/url.ts";
import { toDomString, toUsvString } from "../web/web-strings.ts";
import { Body, type BodySource, toBody } from "./body.ts";
import { createFixedHeaders, Headers, setMissingHeader } from "./headers.ts";

interface ResponseState {
  type: "basic" | "default" | "error";
  url: string;
  status: number;
  statusText: string;
  headers: Headers;
  isRedirected: boolean;
  body: Body;
}

/** Answers of these never have a body. */
function isBodiless(status: number): boolean {
  return status === 101 || status === 103 || status === 204 || status === 205 || status === 304;
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function toStatus(given: unknown): number {
  const status = SafeNumber(given);
  if (NumberIsInteger(status) && status >= 200 && status <= 599) return status;
  throw new SafeRangeError('init["status"] must be in the range of 200 to 599, inclusive.');
}

function toReason(given: unknown): string {
  const text = toDomString(given);
  for (let i = 0; i < text.length; i++) {
    const unit = StringCharCodeAt(text, i);
    if (unit > 0xff || unit === 0x7f || (unit < 0x20 && unit !== 0x09)) throw new SafeTypeError("Invalid statusText");
  }
  return text;
}

/** The answer to a request that the host has sent. */
export let createResponse: (head: FetchHead, open: () => BodySource) => Response;

/** What a server answers. */
export class Response {
  #state: ResponseState;

  constructor(body?: unknown, init?: unknown) {
    if (init !== undefined && init !== null && typeof init !== "object") {
      throw new SafeTypeError("Cannot make a Response: the options must be an object");
    }
    const { status, statusText, headers } = (init ?? {}) as Record<string, unknown>;
    this.#state = {
      type: "default",
      url: "",
      status: status === undefined ? 200 : toStatus(status),
      statusText: statusText === undefined ? "" : toReason(statusText),
      headers: new Headers(headers),
      isRedirected: false,
      body: new Body({ kind: "none" }),
    };
    if (body === undefined || body === null) return;
    if (isBodiless(this.#state.status))
      throw new SafeTypeError("Response constructor: Invalid response status code " + this.#state.status);
    const made = toBody(body);
    this.#state.body = made.body;
    if (made.type !== undefined) setMissingHeader(this.#state.headers, "content-type", made.type);
  }

  /** A network error. */
  static error(): Response {
    const response = new Response();
    response.#state.type = "error";
    response.#state.status = 0;
    response.#state.headers = createFixedHeaders([]);
    return response;
  }

  /** An answer whose body is the JSON of a value. */
  static json(data: unknown, ...options: unknown[]): Response {
    const text = JSONStringifyAny(data);
    if (text === undefined) throw new SafeTypeError("Value is not JSON serializable");
    const response = new Response(undefined, options[0]);
    if (isBodiless(response.#state.status)) throw new SafeTypeError("Invalid response status code");
    response.#state.body = toBody(text).body;
    setMissingHeader(response.#state.headers, "content-type", "application/json");
    return response;
  }

  static redirect(url: unknown, status: unknown = 302): Response {
    const record = parseUrlRecord(toUsvString(url));
    if (record === null) throw new SafeTypeError(`Failed to parse URL from ${toUsvString(url)}`);
    const code = SafeNumber(status);
    if (!isRedirect(code)) throw new SafeRangeError(`Invalid status code ${code}`);
    const response = new Response();
    response.#state.status = code;
    response.#state.headers = createFixedHeaders([["location", record.href]]);
    return response;
  }

  get type(): string {
    return this.#state.type;
  }
  get url(): string {
    return this.#state.url;
  }
  get redirected(): boolean {
    return this.#state.isRedirected;
  }
  get status(): number {
    return this.#state.status;
  }
  get ok(): boolean {
    const { status } = this.#state;
    return status >= 200 && status <= 299;
  }
  get statusText(): string {
    return this.#state.statusText;
  }
  get headers(): Headers {
    return this.#state.headers;
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
  clone(): Response {
    const body = this.#state.body.clone();
    const clone = new Response();
    clone.#state = { ...this.#state, headers: new Headers(this.#state.headers), body };
    return clone;
  }

  [customInspect](depth: number, options: object, inspect: InspectFunction): string {
    const { status, statusText, headers, type, url, isRedirected: redirected } = this.#state;
    const fields = { status, statusText, headers, ok: this.ok, type, url, redirected, bodyUsed: this.bodyUsed };
    return showFields(this, fields, depth, options, inspect);
  }

  static {
    createResponse = (head, open) => {
      const { text } = head;
      const given = text === undefined ? undefined : ({ kind: "text", text } as const);
      const response = new Response();
      response.#state = {
        type: "basic",
        url: head.url,
        status: head.status,
        statusText: head.statusText,
        headers: createFixedHeaders(head.headers),
        isRedirected: head.isRedirected,
        body: new Body(given ?? (head.hasBody ? { kind: "source", source: open() } : { kind: "none" })),
      };
      return response;
    };
  }
}
