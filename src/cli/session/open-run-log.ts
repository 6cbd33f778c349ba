import { closeSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { reasonOf } from "../../files.ts";
import { type Redact, RunLog } from "../../index.ts";
import { shortPath } from "../output/short-path.ts";
import { makeFolder } from "../../files.ts";

export interface OpenRunLogOptions {
  /** Hears of what goes wrong later, with the log's path as people write it. */
  warn: (text: string) => void;
  /** How long a log that another program writes is waited for, in milliseconds. */
  lockWaitMs: number;
  /** What takes out what is not to be kept; default what takes out keys. */
  redact?: Redact;
}

/** What SQLite's result codes mean to a user. Codes of damage are missing: a damaged log is set aside for a new one. */
const REASONS: Record<number, string> = {
  3: "access is denied",
  5: "another program has locked it",
  6: "another program has locked it",
  8: "it cannot be written",
  10: "it cannot be read or written",
  13: "the disk is full",
  14: "it cannot be opened",
};

/** Node 24 says on stderr that its SQLite is new; which does not concern a user of the command line. */
function loadSqlite(): typeof import("node:sqlite") {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Making the folder of the log fails where a file stands in its way. */
function folderReason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EEXIST" || code === "ENOTDIR" ? "a file stands where its folder should be" : reasonOf(error);
}

const SQLITE_BUSY = 5;

/** SQLite waits for locks by itself, but not when two programs make the same log at the same time. */
function patiently(lockWaitMs: number, work: () => void): void {
  const until = performance.now() + lockWaitMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY || performance.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/**
 * A connection to a log that can be written now; made where there is none, undefined for a damaged one.
 *
 * @throws {Error} that says why it cannot.
 */
function tryLog(file: string, lockWaitMs: number): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    makeFolder(dirname(file), { mode: 0o700 });
    const kind = statSync(file, { throwIfNoEntry: false });
    // SQLite would wait for a pipe for ever.
    if (kind !== undefined && !kind.isFile() && !kind.isDirectory()) throw new Error("it is not a regular file");
    const { DatabaseSync: Database } = loadSqlite();
    // Made here, for nobody else to read: SQLite gives the files beside it the rights that it has.
    closeSync(openSync(file, "a", 0o600));
    const opened = (database = new Database(file, { timeout: lockWaitMs }));
    patiently(lockWaitMs, () => opened.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; ROLLBACK"));
    return opened;
  } catch (error) {
    database?.close();
    const { errcode } = error as { errcode?: number };
    const why = errcode === undefined ? folderReason(error) : REASONS[errcode & 0xff];
    if (why === undefined) return undefined;
    throw new Error(why, { cause: error });
  }
}

/**
 * Opens the log of runs, or makes it.
 *
 * @throws {Error} that says, in a few words, why that cannot be done now.
 */
export function openRunLog(file: string, { warn, lockWaitMs, ...options }: OpenRunLogOptions): RunLog {
  const tried = tryLog(file, lockWaitMs);
  const shown = (text: string): void => warn(text.replaceAll(file, shortPath(file)));
  const log = RunLog.open(file, { ...options, logger: { warn: shown, error: shown } });
  // Not before: whoever closes a log as the last one waits for the disk.
  tried?.close();
  return log;
}

/**
 * Opens the log of runs to look into it.
 *
 * @throws {Error} that says, in a few words, why that cannot be done.
 */
export function readRunLog(file: string): RunLog {
  loadSqlite();
  try {
    return RunLog.openReadOnly(file);
  } catch (error) {
    throw new Error(readingReason(error), { cause: error });
  }
}

/** Why a log cannot be read, or a part of it. */
export function readingReason(error: unknown): string {
  const { errcode, syscall, message } = error as { errcode?: number; syscall?: string; message: string };
  if (errcode === undefined) return syscall === undefined ? message : reasonOf(error);
  return REASONS[errcode & 0xff] ?? "it is damaged";
}
