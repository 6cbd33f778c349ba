/**
 * A bundle as bytes: a line with the hash of all that follows, a line with the length of the head, the head in JSON, and
 * then the texts that the head says the places of.
 */
import { hash } from "node:crypto";
import type { FileFacts } from "../permissions/file-facts.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import type { ImportUse } from "./bundler-messages.ts";

export interface BundleTexts {
  code: string;
  /** As in a source map. */
  mappings: string;
  /** The texts of the modules, the script's own among them, by their names. */
  sources: Readonly<Record<string, string>>;
}

/** What is known of a bundle. */
export interface BundleFacts {
  /** The modules that the mappings speak of, by the guest's names. */
  names: string[];
  uses: ImportUse[];
  /** Errors that imports throw while the script runs: the host knows them again. */
  refusals: ErrorRecord[];
  /** What was found out about files: as long as it is true, the bundle would become what it is. */
  facts: FileFacts;
  /** Folders of packages that were allowed by name. */
  granted: string[];
}

type Span = [start: number, length: number];

interface Head extends BundleFacts {
  code: Span;
  mappings: Span;
  sources: Record<string, Span>;
}

const FIRST = /^geppetto-bundle ([\da-f]{64}) (\d{1,9})\n$/;
const FIRST_BYTES = "geppetto-bundle ".length + 64 + 1 + 9 + 1;

export function encodeBundle({ code, mappings, sources }: BundleTexts, facts: BundleFacts): Uint8Array {
  const parts: Buffer[] = [];
  let at = 0;
  const add = (text: string): Span => {
    const bytes = Buffer.from(text);
    const span: Span = [at, bytes.length];
    parts.push(bytes);
    at += bytes.length;
    return span;
  };
  const spans = Object.entries(sources).map(([name, text]): [string, Span] => [name, add(text)]);
  const head: Head = { ...facts, code: add(code), mappings: add(mappings), sources: Object.fromEntries(spans) };
  const headBytes = Buffer.from(JSON.stringify(head));
  const rest = Buffer.concat([headBytes, ...parts]);
  const first = `geppetto-bundle ${hash("sha256", rest, "hex")} ${String(headBytes.length).padStart(9, "0")}\n`;
  return Buffer.concat([Buffer.from(first), rest]);
}

/** The parts of a bundle that was kept; undefined for bytes that are not a bundle, or not as they were written. */
export function decodeKept(bytes: Buffer): (BundleTexts & BundleFacts) | undefined {
  const [, expected, length] = FIRST.exec(bytes.toString("latin1", 0, FIRST_BYTES)) ?? [];
  const rest = bytes.subarray(FIRST_BYTES);
  if (expected === undefined || hash("sha256", rest, "hex") !== expected) return undefined;
  try {
    return decode(rest, Number(length));
  } catch {
    // Another version has written it, or something else that knows the hash.
    return undefined;
  }
}

/** The parts of a bundle that has just been made. */
export function decodeBundle({ buffer, byteOffset, length }: Uint8Array): BundleTexts & BundleFacts {
  const bytes = Buffer.from(buffer, byteOffset, length);
  const [, , headLength] = FIRST.exec(bytes.toString("latin1", 0, FIRST_BYTES))!;
  return decode(bytes.subarray(FIRST_BYTES), Number(headLength));
}

function decode(rest: Buffer, length: number): BundleTexts & BundleFacts {
  const texts = rest.subarray(length);
  const head = JSON.parse(rest.toString("utf8", 0, length)) as Head;
  const { names, uses, refusals, granted, facts, sources, code, mappings } = head;
  const areLists =
    [names, uses, refusals, granted].every(Array.isArray) && granted.every(isText) && names.every(isText);
  const areSpans = [code, mappings, ...Object.values(sources)].every(isSpan);
  if (!areLists || !areSpans || typeof facts !== "object") throw new SyntaxError("it is not the head of a bundle");
  const textOf = ([start, size]: Span): string => texts.toString("utf8", start, start + size);
  return {
    ...head,
    code: textOf(head.code),
    mappings: textOf(head.mappings),
    sources: lazyTexts(head.sources, textOf),
  };
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isSpan(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((part) => Number.isInteger(part) && part >= 0);
}

/** Nobody asks for the texts of modules but where an error is shown. */
function lazyTexts(spans: Record<string, Span>, textOf: (span: Span) => string): Record<string, string> {
  const texts = Object.create(null) as Record<string, string>;
  for (const [name, span] of Object.entries(spans)) {
    Object.defineProperty(texts, name, { get: () => textOf(span), enumerable: true, configurable: true });
  }
  return texts;
}
