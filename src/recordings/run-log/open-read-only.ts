import { pathToFileURL } from "node:url";
import type { DatabaseSync } from "node:sqlite";
import { SCHEMA_VERSION } from "./run-log-schema.ts";

/** How long a log that another program writes is waited for, in milliseconds. */
const LOCK_WAIT_MS = 5_000;
/** SQLITE_READONLY, IOERR, FULL and CANTOPEN: what beside files and locks say of a disk that takes nothing more. */
const NOTHING_WRITABLE = [8, 10, 13, 14];

/**
 * Opens a log to read in it; nothing is made, changed or set aside. SQLite keeps an index beside a log that is being
 * written; where there is no room for one the log is read as it stands.
 *
 * @returns undefined where there are no tables in it yet.
 * @throws {Error} of SQLite, or where a newer version made the log.
 */
export function openReadOnly(file: string): DatabaseSync | undefined {
  try {
    return connect(file);
  } catch (error) {
    if (!NOTHING_WRITABLE.includes(((error as { errcode?: number }).errcode ?? 0) & 0xff)) throw error;
    const url = pathToFileURL(file);
    url.searchParams.set("immutable", "1");
    return connect(url);
  }
}

function connect(file: string | URL): DatabaseSync | undefined {
  const { DatabaseSync: Database } = process.getBuiltinModule("node:sqlite");
  const database = new Database(file, { readOnly: true, timeout: LOCK_WAIT_MS });
  try {
    const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
    if (version > SCHEMA_VERSION) throw new Error("a newer version of geppetto-js made it");
    if (version > 0) {
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
