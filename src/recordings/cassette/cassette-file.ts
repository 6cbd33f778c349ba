import { closeSync, copyFileSync, fdatasync, fstatSync, ftruncateSync, readSync } from "node:fs";
import { basename, dirname } from "node:path";
import { promisify } from "node:util";
import { withFileLock } from "../../base/file-lock.ts";
import { requireFileName } from "../../base/files/file-name.ts";
import type { Logger } from "../../base/logger.ts";
import { openPrivateFile, writeWhole } from "../../base/open-private-file.ts";
import { formatBytes, readRegularFile } from "../../base/read-regular-file.ts";
import { replaceFile, syncFolder } from "../../base/replace-file.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { escapeControls } from "../../base/escape-controls.ts";
import { jsonDepth } from "../json-depth.ts";
import { parseRecording, type Recording } from "./recording.ts";
import { makeFolder } from "../../base/files/make-folder.ts";

/** A recording as a line of the file has it. */
export type RecordingLine = Recording & {
  /** The ids of those before it that it takes the place of. */
  replaces?: readonly string[];
};

const NAME = "geppetto-cassette/";
const VERSION = 2;
const HEADER = `${JSON.stringify({ format: `${NAME}${VERSION}` })}\n`;
/** The largest cassette that is read, and written. */
const MAX_BYTES = 64_000_000;
/** The deepest line that is read: what scripts can send, with what a recording puts around it. */
const MAX_DEPTH = 250;
const LINE_END = 10;

const dataToDisk = promisify(fdatasync);

/**
 * The recordings of a cassette, in the order in which they were asked for; none where there is no such file. Nothing is
 * written. A recording that is damaged is left out, with a warning.
 *
 * @throws {GeppettoError} ReplayError ("ERR_CASSETTE") for a file that is not a cassette, or too large, or of a newer
 *   version.
 */
export function readCassette(file: string, logger: Logger): Recording[] {
  const { recordings, problems } = parseCassette(file);
  if (problems.length > 0) {
    const count = problems.length === 1 ? "1 damaged recording" : `${problems.length} damaged recordings`;
    logger.warn(`Skipping ${count} of ${basename(file)}: ${problems[0]}`);
  }
  return recordings;
}

/** Checks, before anything is recorded, that it can be written down. Makes the folder. */
export async function checkWritable(file: string): Promise<void> {
  requireFileName(file);
  try {
    makeFolder(dirname(file));
  } catch (error) {
    const isInTheWay = ["EEXIST", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
    throw isInTheWay ? new Error("a file stands where its folder should be", { cause: error }) : error;
  }
  try {
    closeSync(openPrivateFile(file, { mode: "add", mustExist: true }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/**
 * Adds recordings to a cassette, or makes one. They are on the disk when this resolves; where it rejects, the file is as
 * it was before. What others add meanwhile stays. A file of an earlier format is brought into this one.
 */
export async function appendRecordings(file: string, lines: readonly RecordingLine[], logger: Logger): Promise<void> {
  const text = lines.map(toLine).join("");
  makeFolder(dirname(file));
  await withFileLock(file, async () => {
    const fd = openPrivateFile(file, { mode: "add" });
    let isEarlier = false;
    try {
      const { size } = fstatSync(fd);
      isEarlier = size > 0 && !hasHeader(fd);
      if (!isEarlier) await append(fd, size === 0 ? 0 : dropTorn(fd, size), text);
      if (size === 0) await syncFolder(dirname(file));
    } finally {
      closeSync(fd);
    }
    if (isEarlier) await convert(file, text, logger);
  });
}

/** Writes the file anew without what others have taken the place of, and what `keeps` does not. */
export async function compactCassette(file: string, keeps: (recording: Recording) => boolean): Promise<void> {
  await withFileLock(file, async () => {
    const { recordings, problems } = parseCassette(file);
    // What is damaged would be lost.
    if (problems.length > 0) return;
    await replaceFile(file, HEADER + recordings.filter(keeps).map(toLine).join(""));
  });
}

async function append(fd: number, size: number, text: string): Promise<void> {
  const added = size === 0 ? HEADER + text : text;
  if (size + Buffer.byteLength(added) > MAX_BYTES) throw new Error(`it would be larger than ${formatBytes(MAX_BYTES)}`);
  try {
    writeWhole(fd, added);
    await dataToDisk(fd);
  } catch (error) {
    ftruncateSync(fd, size);
    throw error;
  }
}

function hasHeader(fd: number): boolean {
  const start = Buffer.alloc(HEADER.length);
  return readSync(fd, start, 0, start.length, 0) === start.length && start.toString() === HEADER;
}

/** What a writer that was killed has left of a line; the size without it. */
function dropTorn(fd: number, size: number): number {
  const block = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - block.length);
    const read = readSync(fd, block, 0, end - start, start);
    const at = block.subarray(0, read).lastIndexOf(LINE_END);
    if (at >= 0) {
      const whole = start + at + 1;
      if (whole < size) ftruncateSync(fd, whole);
      return whole;
    }
    end = start;
  }
  return size;
}

/** The whole file is kept where a part of it could not be brought along. */
async function convert(file: string, text: string, logger: Logger): Promise<void> {
  const { recordings, problems } = parseCassette(file);
  if (problems.length > 0) {
    const copy = `${file}.corrupt-${Date.now()}`;
    copyFileSync(file, copy);
    logger.warn(`Leaving out ${problems[0]} of ${basename(file)}; the whole file is kept as ${basename(copy)}`);
  }
  await replaceFile(file, HEADER + recordings.map(toLine).join("") + text);
}

function toLine(line: RecordingLine): string {
  return `${escapeControls(JSON.stringify(line))}\n`;
}

interface Parsed {
  recordings: Recording[];
  /** Why what is missing could not be read: "line 3: it has no end". */
  problems: string[];
}

function parseCassette(file: string): Parsed {
  const text = readText(file);
  if (text === undefined || text.trim() === "") return { recordings: [], problems: [] };
  const fail = (problem: string): never => {
    throw new GeppettoError("ReplayError", `Cannot use the cassette ${basename(file)}: ${problem}`, {
      code: "ERR_CASSETTE",
    });
  };
  const [first = "", ...lines] = text.split("\n");
  const head = parseJson(first) ?? parseJson(text) ?? fail(problemOf(text));
  const { format, recordings: earlier } = head as { format?: unknown; recordings?: unknown };
  const version = typeof format === "string" && format.startsWith(NAME) ? Number(format.slice(NAME.length)) : NaN;
  if (!Number.isInteger(version) || version < 1) return fail("it is not a cassette");
  if (version > VERSION) return fail("a newer version of geppetto-js made it");
  if (version === 1) {
    if (!Array.isArray(earlier)) return fail("it has no list of recordings");
    return parseAll(earlier.map((value, index) => [`recordings[${index}]`, () => value]));
  }
  const given = lines.flatMap((line, index): Given[] =>
    line === "" ? [] : [[`line ${index + 2}`, () => parseJson(line) ?? refuse(problemOf(line))]],
  );
  return inOrder(parseAll(given));
}

type Given = [place: string, read: () => unknown];

function parseAll(given: readonly Given[]): Parsed {
  const recordings: Recording[] = [];
  const problems: string[] = [];
  for (const [place, read] of given) {
    try {
      recordings.push(parseRecording(read()));
    } catch (error) {
      problems.push(`${place}: ${(error as Error).message}`);
    }
  }
  return { recordings, problems };
}

/** Lines stand in the order in which answers ended; recordings in the order in which they were asked for. */
function inOrder({ recordings, problems }: Parsed): Parsed {
  const replaced = new Set((recordings as RecordingLine[]).flatMap(({ replaces = [] }) => replaces));
  const left = (recordings as RecordingLine[])
    .filter(({ id }) => !replaced.has(id))
    .map(({ replaces: _, ...recording }) => recording);
  return {
    recordings: left.sort((a, b) => (a.recordedAt < b.recordedAt ? -1 : a.recordedAt > b.recordedAt ? 1 : 0)),
    problems,
  };
}

function readText(file: string): string | undefined {
  try {
    return readRegularFile(file, { maxBytes: MAX_BYTES });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== undefined || !message.includes("larger")) throw error;
    throw new GeppettoError("ReplayError", `Cannot use the cassette ${basename(file)}: ${message}`, {
      code: "ERR_CASSETTE",
    });
  }
}

/** The object that a text holds; undefined for what does not hold one, or one that is nested too deeply. */
function parseJson(text: string): object | undefined {
  if (jsonDepth(text) > MAX_DEPTH) return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function problemOf(text: string): string {
  return jsonDepth(text) > MAX_DEPTH ? `it is nested more than ${MAX_DEPTH} deep` : "it is not JSON";
}

function refuse(problem: string): never {
  throw new Error(problem);
}
