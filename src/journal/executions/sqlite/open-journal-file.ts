import { closeSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openPrivateFile } from "../../../base/open-private-file.ts";
import { reasonOf } from "../../../base/reason-of.ts";
import { journalFailed } from "../execution-errors.ts";
import { makeFolder } from "../../../base/files/make-folder.ts";

/** How long a journal that another process writes is waited for, in milliseconds. */
const LOCK_WAIT_MS = 10_000;

/**
 * Opens the file of a journal, and makes it where there is none: readable by its owner alone, as what SQLite puts beside
 * it is. What has been committed is on the disk.
 *
 * @throws {GeppettoError} ERR_JOURNAL for a file that cannot be used; {Error} of SQLite.
 */
export function openJournalFile(file: string): DatabaseSync {
  try {
    makeFolder(dirname(file), { mode: 0o700 });
    closeSync(openPrivateFile(file, { mode: "add" }));
  } catch (error) {
    throw journalFailed(reasonOf(error), error);
  }
  const { DatabaseSync: Database } = process.getBuiltinModule("node:sqlite");
  const database = new Database(file, { timeout: LOCK_WAIT_MS });
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    database.exec("PRAGMA journal_size_limit = 67108864");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
