import { chmodSync, closeSync, openSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { transact } from "../../../base/sqlite.ts";
import { GeppettoError } from "../../../shared/errors.ts";
import type { PipelineMessage } from "../../elements/element.ts";
import { toJsonSafe } from "./json-safe.ts";
import type { LoadOptions, StateStore } from "./state-store.ts";
import { makeFolder } from "../../../base/files/make-folder.ts";

/** Marks a file as a state store's: "gpst". */
const APPLICATION_ID = 0x67707374;
/** How many times the tables have changed; kept in the file as `user_version`. */
const SCHEMA_VERSION = 1;
/** How long one process waits for another, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    conversation TEXT NOT NULL,
    place INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (conversation, place)
  ) STRICT, WITHOUT ROWID;`;

const SQL = {
  load: `
    SELECT message FROM
      (SELECT place, message FROM messages WHERE conversation = ? ORDER BY place DESC LIMIT ?)
    ORDER BY place`,
  last: "SELECT coalesce(max(place), 0) AS place FROM messages WHERE conversation = ?",
  add: "INSERT INTO messages (conversation, place, message) VALUES (?, ?, ?)",
  delete: "DELETE FROM messages WHERE conversation = ?",
} as const;

/**
 * Keeps conversations in a SQLite file, for as many processes as use it. The file is made with the first use, for its
 * owner alone (mode 0600). One that is damaged, or that another program or a later version has made, is named in a
 * StageError (`ERR_STATE_STORE`) and is left as it is.
 *
 * @example
 * const store = new SqliteStateStore("conversations.db");
 */
export class SqliteStateStore implements StateStore {
  readonly #file: string;
  #database: DatabaseSync | undefined;
  #isClosed = false;

  constructor(file: string) {
    this.#file = resolve(file);
  }

  async load(id: string, { limit = -1 }: LoadOptions = {}): Promise<PipelineMessage[]> {
    return this.#use("load a conversation from", (database) => {
      const rows = database.prepare(SQL.load).all(id, Number.isFinite(limit) ? limit : -1) as { message: string }[];
      return rows.map(({ message }) => JSON.parse(message) as PipelineMessage);
    });
  }

  async save(id: string, messages: readonly PipelineMessage[]): Promise<void> {
    this.#transact("save a conversation in", (database) => {
      database.prepare(SQL.delete).run(id);
      add(database, id, 0, messages);
    });
  }

  async append(id: string, messages: readonly PipelineMessage[]): Promise<void> {
    this.#transact("add to a conversation in", (database) => {
      const { place } = database.prepare(SQL.last).get(id) as { place: number };
      add(database, id, place, messages);
    });
  }

  async delete(id: string): Promise<boolean> {
    return this.#use("delete a conversation from", (database) => database.prepare(SQL.delete).run(id).changes > 0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#database?.close();
    this.#database = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #transact(what: string, work: (database: DatabaseSync) => void): void {
    this.#use(what, (database) => transact(database, work));
  }

  #use<T>(what: string, work: (database: DatabaseSync) => T): T {
    try {
      if (this.#isClosed) throw new Error("it has been closed");
      return work((this.#database ??= connect(this.#file)));
    } catch (error) {
      const message = `Cannot ${what} "${basename(this.#file)}": ${(error as Error).message}`;
      throw new GeppettoError("StageError", message, { code: "ERR_STATE_STORE", cause: error });
    }
  }
}

function add(database: DatabaseSync, id: string, after: number, messages: readonly PipelineMessage[]): void {
  const statement = database.prepare(SQL.add);
  for (const [index, message] of messages.entries()) {
    statement.run(id, after + 1 + index, JSON.stringify(toJsonSafe(message)));
  }
}

function connect(file: string): DatabaseSync {
  makeFolder(dirname(file));
  // Made by ourselves, so that there is no moment in which others may read it.
  closeSync(openSync(file, "a", 0o600));
  // Loaded here: a program without such a store need not have it.
  const { DatabaseSync: Database } = process.getBuiltinModule("node:sqlite");
  const database = new Database(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    // Of one moment: another process may be making its tables now.
    database.exec("BEGIN");
    refuseForeign(database);
    database.exec("COMMIT");
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    database.exec("BEGIN IMMEDIATE");
    // Another process may have been faster.
    refuseForeign(database);
    database.exec(
      `${SCHEMA} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
    );
    chmodSync(file, 0o600);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** An empty file is nobody's, and becomes ours. */
function refuseForeign(database: DatabaseSync): void {
  const read = (name: string): number => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0] as number;
  const id = read("application_id");
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as { tables: number };
  if (id !== APPLICATION_ID && (id !== 0 || tables > 0)) throw new Error("it is another program's database");
  if (read("user_version") > SCHEMA_VERSION) throw new Error("a newer version of geppetto-js made it");
}
