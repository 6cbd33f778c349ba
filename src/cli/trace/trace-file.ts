import { accessSync, closeSync, constants, lstatSync, openSync, readSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { reasonOf, replaceFile, requireFileName } from "../../files.ts";
import { EXIT } from "../output/exit-codes.ts";
import { shortPath } from "../output/short-path.ts";
import { UsageError } from "../options/usage-error.ts";

/** How every page of ours begins. */
const BEGINNING = "<!doctype html>";

/**
 * Says before a run what would be in the way of its page after it. A page that is there is replaced; another file is not:
 * `--trace script.js` would leave nothing of the script.
 *
 * @throws {UsageError} with exit code 74.
 */
export function checkTraceFile(file: string): void {
  try {
    requireFileName(file);
    const there = lstatSync(file, { throwIfNoEntry: false });
    if (there?.isSymbolicLink()) throw new Error("it is a link");
    if (there?.isDirectory()) throw new Error("it is a folder");
    if (there !== undefined && !there.isFile()) throw new Error("it is not a regular file");
    if (there !== undefined && there.size > 0 && beginningOf(file) !== BEGINNING) {
      throw new Error("a file is there that is not a page; remove it, or name another");
    }
    accessSync(dirname(resolve(file)), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** @throws {UsageError} with exit code 74. */
export async function writeTraceFile(file: string, page: string): Promise<void> {
  try {
    await replaceFile(file, page);
  } catch (error) {
    throw unwritable(file, error);
  }
}

function beginningOf(file: string): string {
  const fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const bytes = Buffer.alloc(BEGINNING.length);
    return bytes.toString("latin1", 0, readSync(fd, bytes)).toLowerCase();
  } finally {
    closeSync(fd);
  }
}

function unwritable(file: string, error: unknown): UsageError {
  return new UsageError(`Cannot write the page to ${shortPath(file)}: ${reasonOf(error)}`, EXIT.output);
}
