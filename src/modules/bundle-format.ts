/**
 * A bundle as bytes: a line with a checksum of all that follows and the length of the head, the head in JSON, and then the
 * texts that the head says the places of.
 */
import { crc32 } from "node:zlib";
import type { FileFacts } from "../permissions/file-facts.ts";
import type { ErrorRecord } from "../shared/frames.ts";
import type { ImportUse } from "./bundler-messages.ts";

export interface BundleTexts {
  code: string;
  /** As in a source map. */
  mappings: string;
  /** The texts of the modules, the script's own among them, by their names. */
  sources: Readonly<Record<string, string>>;
  /** What was read of a file that the facts speak of; "" for any other. */
  fileText: (path: string) => string;
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
  files: Record<string, Span>;
}

const FIRST = /^geppetto-bundle (\d{10}) (\d{9})\n$/;
const FIRST_BYTES = "geppetto-bundle ".length + 10 + 1 + 9 + 1;

/** @param files the facts' own, whose texts are mostly those of the sources */
export function encodeBundle(
  { code, mappings, sources }: Omit<BundleTexts, "fileText">,
  files: ReadonlyMap<string, string>,
  facts: BundleFacts,
): Uint8Array {
  const spans = new Map<string, Span>();
  const texts: string[] = [];
  let at = 0;
  const add = (text: string): Span => {
    let span = spans.get(text);
    if (span !== undefined) return span;
    span = [at, Buffer.byteLength(text)];
    spans.set(text, span);
    texts.push(text);
    at += span[1];
    return span;
  };
  const head: Head = { ...facts, code: add(code), mappings: add(mappings), sources: {}, files: {} };
  for (const name of Object.keys(sources)) head.sources[name] = add(sources[name]!);
  for (const [path, text] of files) head.files[path] = add(text);
  const headText = JSON.stringify(head);
  const headBytes = Buffer.byteLength(headText);
  const bytes = Buffer.allocUnsafe(FIRST_BYTES + headBytes + at);
  bytes.write(headText, FIRST_BYTES);
  let end = FIRST_BYTES + headBytes;
  for (const text of texts) end += bytes.write(text, end);
  bytes.write(firstLine(bytes.subarray(FIRST_BYTES), headBytes), "latin1");
  return bytes;
}

function firstLine(rest: Uint8Array, headBytes: number): string {
  const digits = (number: number, count: number): string => String(number).padStart(count, "0");
  return `geppetto-bundle ${digits(crc32(rest), 10)} ${digits(headBytes, 9)}\n`;
}

/** The parts of a bundle that was kept; undefined for bytes that are not a bundle, or not as they were written. */
export function decodeKept(bytes: Buffer): (BundleTexts & BundleFacts) | undefined {
  const [, expected, length] = FIRST.exec(bytes.toString("latin1", 0, FIRST_BYTES)) ?? [];
  const rest = bytes.subarray(FIRST_BYTES);
  if (expected === undefined || crc32(rest) !== Number(expected)) return undefined;
  try {
    return decode(rest, Number(length));
  } catch {
    // Another version has written it, or something else that knows the checksum.
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
  const { names, uses, refusals, granted, facts, sources, files, code, mappings } = head;
  const areLists =
    [names, uses, refusals, granted].every(Array.isArray) && granted.every(isText) && names.every(isText);
  const areSpans = [code, mappings, ...Object.values(sources), ...Object.values(files)].every(isSpan);
  if (!areLists || !areSpans || typeof facts !== "object") throw new SyntaxError("it is not the head of a bundle");
  const textOf = ([start, size]: Span): string => texts.toString("utf8", start, start + size);
  return {
    ...head,
    code: textOf(code),
    mappings: textOf(mappings),
    sources: lazyTexts(sources, textOf),
    fileText: (path) => (Object.hasOwn(files, path) ? textOf(files[path]!) : ""),
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
