import type { DatabaseSync } from "node:sqlite";
import { transact } from "../../../base/sqlite.ts";
import { newerJournal } from "../execution-errors.ts";

/** What each version of the journal has added, the first one first. */
const MIGRATIONS = [
  `
  CREATE TABLE executions (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    script TEXT NOT NULL,
    tenant TEXT,
    attempt INTEGER NOT NULL,
    fence INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    waits_for TEXT NOT NULL DEFAULT '[]',
    due_at INTEGER,
    is_answered INTEGER NOT NULL DEFAULT 0,
    exit_code INTEGER,
    error TEXT,
    holder TEXT,
    seen_at INTEGER NOT NULL DEFAULT 0,
    seen_uptime REAL NOT NULL DEFAULT 0,
    first_seq INTEGER NOT NULL DEFAULT 1,
    last_seq INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    told INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX executions_by_state ON executions (state, key);
  CREATE INDEX executions_due ON executions (due_at) WHERE state = 'suspended' AND due_at IS NOT NULL;
  CREATE INDEX executions_answered ON executions (key) WHERE state = 'suspended' AND is_answered = 1;
  CREATE TABLE details (
    execution INTEGER PRIMARY KEY REFERENCES executions (key) ON DELETE CASCADE,
    text TEXT NOT NULL
  ) STRICT;
  CREATE TABLE records (
    execution INTEGER NOT NULL REFERENCES executions (key) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    buffers BLOB,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (execution, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    execution INTEGER NOT NULL REFERENCES executions (key) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    name TEXT,
    question INTEGER,
    text TEXT NOT NULL,
    is_taken INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX messages_by_execution ON messages (execution, is_taken, number);
  CREATE UNIQUE INDEX messages_by_question ON messages (execution, question) WHERE question IS NOT NULL;
  CREATE TABLE stored_values (
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (store, key)
  ) STRICT, WITHOUT ROWID;`,
];

const VERSION = MIGRATIONS.length;

/** @throws {GeppettoError} ERR_JOURNAL_VERSION for a journal that a newer version made. */
export function migrate(database: DatabaseSync): void {
  if (versionOf(database) === VERSION) return;
  transact(database, () => {
    for (const migration of MIGRATIONS.slice(versionOf(database))) database.exec(migration);
    database.exec(`PRAGMA user_version = ${VERSION}`);
  });
}

function versionOf(database: DatabaseSync): number {
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > VERSION) throw newerJournal();
  return version;
}

/** Finds what the index of ids does not lead to, by the index alone for each. */
const HIDDEN = `SELECT 1 FROM executions AS row NOT INDEXED WHERE NOT EXISTS (
  SELECT 1 FROM executions AS found INDEXED BY sqlite_autoindex_executions_1 WHERE found.id = row.id AND found.key = row.key
) LIMIT 1`;

/** An execution that its id does not lead to would be begun anew, and what it has done would be done twice. */
export function mendIds(database: DatabaseSync): void {
  if (database.prepare(HIDDEN).get() !== undefined) database.exec("REINDEX executions");
}

/** What a row of an execution says. */
export interface ExecutionRow {
  key: number;
  id: string;
  state: string;
  script: string;
  tenant: string | null;
  attempt: number;
  /** Who has it may write: it grows whenever the execution changes hands. */
  fence: number;
  created_at: number;
  updated_at: number;
  waits_for: string;
  due_at: number | null;
  is_answered: number;
  exit_code: number | null;
  error: string | null;
  holder: string | null;
  seen_at: number;
  seen_uptime: number;
  /** Of the records that are kept: a checkpoint has removed those before. */
  first_seq: number;
  last_seq: number;
  bytes: number;
  /** How many messages have ever come. */
  told: number;
}

export interface RecordRow {
  seq: number;
  kind: string;
  text: string;
  buffers: Uint8Array | null;
  checksum: number;
}

export interface MessageRow {
  number: number;
  kind: string;
  name: string | null;
  question: number | null;
  text: string;
}
