import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { formatBytes } from "../../base/read-regular-file.ts";
import { replaceFile } from "../../base/replace-file.ts";
import { GeppettoError } from "../../shared/errors.ts";

/** What a script is to print, as its file has it. */
export interface Golden {
  /** With ends of lines as they are, without a mark of the byte order. */
  text: string;
  /** Do all lines end with CRLF? */
  hasCrlf: boolean;
  /** Does it begin with the mark of its byte order? */
  hasMark: boolean;
}

/** A golden in which no text can be read, and why. */
export interface UnreadableGolden {
  problem: string;
}

const MAX_BYTES = 64_000_000;
const MARK = "\uFEFF";
const OTHER_ENCODINGS: readonly [name: string, mark: readonly number[]][] = [
  ["UTF-32", [0xff, 0xfe, 0, 0]],
  ["UTF-32", [0, 0, 0xfe, 0xff]],
  ["UTF-16", [0xff, 0xfe]],
  ["UTF-16", [0xfe, 0xff]],
];

/**
 * Reads a golden file; undefined where there is none.
 *
 * @throws {GeppettoError} ConfigError ("ERR_GOLDEN") for one that is too large, or not a regular file.
 */
export function readGolden(file: string): Golden | UnreadableGolden | undefined {
  const bytes = readBytes(file);
  if (bytes === undefined) return undefined;
  const other = OTHER_ENCODINGS.find(([, mark]) => mark.every((byte, at) => bytes[at] === byte));
  if (other !== undefined) return { problem: `it is ${other[0]}` };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { problem: `line ${lineOfBadByte(bytes)} is not UTF-8` };
  }
  const hasMark = text.startsWith(MARK);
  return {
    text: hasMark ? text.slice(MARK.length) : text,
    hasMark,
    hasCrlf: /\r\n/.test(text) && !/[^\r]\n/.test(text),
  };
}

/** Writes what a script printed, in the way in which the file was written before. */
export async function writeGolden(file: string, output: string, before: Golden | undefined): Promise<void> {
  const text = before?.hasCrlf ? output.replace(/\r?\n/g, "\r\n") : output;
  await replaceFile(file, before?.hasMark ? MARK + text : text, { isPublic: true });
}

/** Is it what the file says? "but line ends": it is, but for CRLF in the file. */
export function compareGolden({ text }: Golden, output: string): "same" | "but line ends" | "different" {
  if (text === output) return "same";
  if (!text.includes("\r\n")) return "different";
  return withLineFeeds(text) === withLineFeeds(output) ? "but line ends" : "different";
}

export function withLineFeeds(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

function readBytes(file: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw goldenError(file, `it cannot be read: ${code}`);
  }
  try {
    const stats = fstatSync(fd);
    if (stats.isDirectory()) throw goldenError(file, "it is a folder");
    if (!stats.isFile()) throw goldenError(file, "it is not a regular file");
    if (stats.size > MAX_BYTES) throw goldenError(file, `it is larger than ${formatBytes(MAX_BYTES)}`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The first line that cannot be decoded by itself, from 1. */
function lineOfBadByte(bytes: Buffer): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const at = bytes.indexOf(10, start);
    const end = at < 0 ? bytes.length : at + 1;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    start = end;
  }
  return line;
}

/** What to throw for a golden in another encoding. */
export function encodingError(file: string, { problem }: UnreadableGolden): GeppettoError {
  return goldenError(file, `${problem}: save it as UTF-8, or have it made anew`);
}

function goldenError(file: string, problem: string): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot use ${basename(file)}: ${problem}`, { code: "ERR_GOLDEN" });
}
