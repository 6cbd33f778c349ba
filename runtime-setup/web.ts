import { OPS, type UrlRecord } from "../src/shared/contract/ops.ts";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { SetupFunction } from "../src/engine/engine.ts";
import { parseFields } from "../src/engine/guest-messages.ts";
import { GeppettoError } from "../src/shared/errors.ts";
import { MAX_RANDOM_BYTES } from "../src/shared/limits.ts";

/** Longest URL, in UTF-16 units, as in browsers: the host reads it at once. */
const MAX_URL_CHARS = 2 * 1024 * 1024;
const isTooLong = (text: string): boolean => text.length > MAX_URL_CHARS;

const URL_PARTS: readonly (keyof UrlRecord)[] = [
  "href",
  "protocol",
  "username",
  "password",
  "host",
  "hostname",
  "port",
  "pathname",
  "search",
  "hash",
  "origin",
];

function toUrlRecord(url: URL): UrlRecord {
  return Object.fromEntries(URL_PARTS.map((part) => [part, url[part]])) as unknown as UrlRecord;
}

/** The parts of a URL, or null when it is not valid. */
function parseUrl(args: unknown): UrlRecord | null {
  const { url, base } = parseFields(args);
  if (typeof url !== "string" || (base !== undefined && typeof base !== "string")) return null;
  if (isTooLong(url) || (base !== undefined && isTooLong(base))) return null;
  const parsed = URL.parse(url, base);
  // What is escaped is up to six times as long.
  return parsed === null || isTooLong(parsed.href) ? null : toUrlRecord(parsed);
}

/** The parts of a URL after one of its setters. */
function setUrlPart(args: unknown): UrlRecord {
  const { href, key, value } = parseFields(args);
  const part = URL_PARTS.find((name) => name === key);
  const isWhole = typeof href === "string" && typeof value === "string" && part !== undefined && part !== "origin";
  if (!isWhole || isTooLong(href)) {
    throw new GeppettoError("ValidationError", "Cannot change a URL: the request is malformed");
  }
  const url = new URL(href);
  if (!isTooLong(value)) url[part] = value;
  // As with a value that is not valid, nothing changes.
  return toUrlRecord(isTooLong(url.href) ? new URL(href) : url);
}

/** How many random bytes the guest asks for. */
function parseCount(args: unknown): number {
  const { count } = parseFields(args);
  if (!Number.isSafeInteger(count) || (count as number) < 1 || (count as number) > MAX_RANDOM_BYTES) {
    throw new GeppettoError("ValidationError", "Cannot give random bytes: the count is malformed");
  }
  return count as number;
}

let streamsText: string | undefined;

/** The text of the web streams' classes. */
function readStreams(): string {
  streamsText ??= readFileSync(createRequire(import.meta.url).resolve("#guest/streams.js"), "utf8");
  return streamsText;
}

/** The web platform's basics. What needs the host is URLs, random bytes and the clock. */
export function setupWeb(): SetupFunction {
  return function web(vm) {
    const startedAt = performance.now();
    const origin = Date.now();
    vm.host.setOp(OPS.url_parse, parseUrl);
    vm.host.setOp(OPS.url_set, setUrlPart);
    const { clock } = vm.host;
    vm.host.setOp(OPS.random_bytes, (args) =>
      (clock?.bytes(parseCount(args)) ?? randomBytes(parseCount(args))).toString("hex"),
    );
    vm.host.setOp(OPS.clock_now, () => clock?.guestElapsed ?? performance.now() - startedAt);
    vm.host.setOp(OPS.clock_origin, () => clock?.start ?? origin);
    vm.host.setOp(OPS.web_streams, readStreams);
    vm.host.later(vm.install("web"));
  };
}
