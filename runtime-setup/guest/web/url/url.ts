import { OPS, type UrlRecord } from "../../../../src/shared/contract/ops.ts";
import { SafeTypeError, StringIndexOf, StringSlice } from "../../../../src/shared/primordials.ts";
import { customInspect } from "../../core/inspect.ts";
import { callSync } from "../../core/kernel.ts";
import { withCode, withField } from "../coded-error.ts";
import { defineClass } from "../define-class.ts";
import { linkSearchParams, resetSearchParams, URLSearchParams } from "./search-params.ts";
import { type InspectFunction, showFields } from "../show-fields.ts";
import { toUsvString } from "../web-strings.ts";

type Settable = Exclude<keyof UrlRecord, "origin" | "href">;

function parseRecord(url: string, base: string | undefined): UrlRecord | null {
  return callSync(OPS.url_parse, base === undefined ? { url } : { url, base });
}

/** The parts of a whole URL, or null. */
export function parseUrlRecord(url: string): UrlRecord | null {
  return parseRecord(url, undefined);
}

function invalidUrl(input: string, base: string | undefined): TypeError {
  const error = withField(withCode(new SafeTypeError("Invalid URL"), "ERR_INVALID_URL"), "input", input);
  return base === undefined ? error : withField(error, "base", base);
}

function isParsable(url: unknown, base: unknown): boolean {
  return parseRecord(toUsvString(url), base === undefined ? undefined : toUsvString(base)) !== null;
}

function needsUrl(count: number): void {
  if (count === 0) throw withCode(new SafeTypeError('The "url" argument must be specified'), "ERR_MISSING_ARGS");
}

/** The record with another query; what a query holds once it is serialized needs no parser. */
function withQuery(record: UrlRecord, query: string): UrlRecord {
  const { href } = record;
  const hashAt = StringIndexOf(href, "#");
  const fragment = hashAt === -1 ? "" : StringSlice(href, hashAt);
  const front = hashAt === -1 ? href : StringSlice(href, 0, hashAt);
  const queryAt = StringIndexOf(front, "?");
  const bare = queryAt === -1 ? front : StringSlice(front, 0, queryAt);
  const search = query === "" ? "" : `?${query}`;
  return { ...record, search, href: bare + search + fragment };
}

/** Is this a URL? Decided by brand. */
export let isUrl: (value: object) => boolean;

/** A URL; the host parses it. */
export class URL {
  #record: UrlRecord;
  #params: URLSearchParams | undefined;

  constructor(url: string, base?: string) {
    needsUrl(arguments.length);
    const input = toUsvString(url);
    const against = base === undefined ? undefined : toUsvString(base);
    const record = parseRecord(input, against);
    if (record === null) throw invalidUrl(input, against);
    this.#record = record;
  }

  /** The URL, or null when it is not valid. */
  static parse(url: string, base?: string): URL | null {
    needsUrl(arguments.length);
    return isParsable(url, base) ? new URL(url, base) : null;
  }

  static canParse(url: string, base?: string): boolean {
    needsUrl(arguments.length);
    return isParsable(url, base);
  }

  get href(): string {
    return this.#record.href;
  }
  set href(value: string) {
    const input = toUsvString(value);
    const record = parseRecord(input, undefined);
    if (record === null) throw invalidUrl(input, undefined);
    this.#replace(record);
  }
  get origin(): string {
    return this.#record.origin;
  }
  get protocol(): string {
    return this.#record.protocol;
  }
  set protocol(value: string) {
    this.#set("protocol", value);
  }
  get username(): string {
    return this.#record.username;
  }
  set username(value: string) {
    this.#set("username", value);
  }
  get password(): string {
    return this.#record.password;
  }
  set password(value: string) {
    this.#set("password", value);
  }
  get host(): string {
    return this.#record.host;
  }
  set host(value: string) {
    this.#set("host", value);
  }
  get hostname(): string {
    return this.#record.hostname;
  }
  set hostname(value: string) {
    this.#set("hostname", value);
  }
  get port(): string {
    return this.#record.port;
  }
  set port(value: string) {
    this.#set("port", value);
  }
  get pathname(): string {
    return this.#record.pathname;
  }
  set pathname(value: string) {
    this.#set("pathname", value);
  }
  get search(): string {
    return this.#record.search;
  }
  set search(value: string) {
    this.#set("search", value);
  }
  get hash(): string {
    return this.#record.hash;
  }
  set hash(value: string) {
    this.#set("hash", value);
  }
  /** Live: a change of it changes the URL, and the other way round. */
  get searchParams(): URLSearchParams {
    return (this.#params ??= linkSearchParams(this.#record.search, (query) => {
      this.#record = withQuery(this.#record, query);
    }));
  }

  toString(): string {
    return this.#record.href;
  }
  toJSON(): string {
    return this.#record.href;
  }
  [customInspect](depth: number | null, options: object, inspect: InspectFunction): string {
    const { href, origin, protocol, username, password, host, hostname, port, pathname, search, hash } = this.#record;
    const searchParams = this.searchParams;
    const fields = {
      href,
      origin,
      protocol,
      username,
      password,
      host,
      hostname,
      port,
      pathname,
      search,
      searchParams,
      hash,
    };
    return showFields(this, fields, depth, options, inspect);
  }

  #set(key: Settable, value: unknown): void {
    const { href } = this.#record;
    this.#replace(callSync(OPS.url_set, { href, key, value: toUsvString(value) }));
  }

  #replace(record: UrlRecord): void {
    this.#record = record;
    if (this.#params !== undefined) resetSearchParams(this.#params, record.search);
  }

  static {
    isUrl = (value) => #record in value;
  }
}

/** Defines URL and URLSearchParams. */
export function installUrl(): void {
  defineClass("URL", URL, { lengths: { constructor: 1, parse: 1, canParse: 1 }, statics: ["parse", "canParse"] });
  defineClass("URLSearchParams", URLSearchParams, { lengths: { constructor: 0, delete: 1, has: 1, forEach: 1 } });
}
