import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { DatabaseSync } from "node:sqlite";
import { versionOf } from "./run-log-schema.ts";

/** How long a log that another program writes is waited for, in milliseconds. */
const LOCK_WAIT_MS = 5_000;
/** SQLITE_READONLY, IOERR, FULL and CANTOPEN: what beside files and locks say of a disk that takes nothing more. */
const NOTHING_WRITABLE = [8, 10, 13, 14];

/**
 * Opens a log to read in it; nothing is made, changed or set aside. SQLite keeps an index beside a log that has been
 * written and not yet tidied up. Where there is no room for one it is kept in memory, for which the log must be ours
 * alone; where that cannot be either, the log is read as far as it has been tidied up.
 *
 * @returns undefined where there are no tables in it yet.
 * @throws {Error} of SQLite, or where a newer version made the log.
 */
export function openReadOnly(file: string): DatabaseSync | undefined {
  const url = pathToFileURL(file);
  url.searchParams.set("immutable", "1");
  const ways = [() => connect(file, true), () => connect(file, false), () => connect(url, true)];
  let first: unknown;
  // The second way would make a log that is not there.
  for (const way of existsSync(file) ? ways : ways.slice(0, 1)) {
    try {
      return way();
    } catch (error) {
      first ??= error;
      if (!NOTHING_WRITABLE.includes(((error as { errcode?: number }).errcode ?? 0) & 0xff)) break;
    }
  }
  throw first;
}

function connect(file: string | URL, readOnly: boolean): DatabaseSync | undefined {
  const { DatabaseSync: Database } = process.getBuiltinModule("node:sqlite");
  const database = new Database(file, { readOnly, timeout: LOCK_WAIT_MS });
  try {
    // Whoever is alone needs no index that others see.
    if (!readOnly) database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON");
    if (versionOf(database) > 0) {
      database.prepare("SELECT 1 FROM runs LIMIT 1").get();
      return database;
    }
    database.close();
    return undefined;
  } catch (error) {
    if (database.isOpen) database.close();
    throw error;
  }
}
