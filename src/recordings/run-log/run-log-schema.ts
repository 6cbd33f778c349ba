import type { DatabaseSync } from "node:sqlite";
import { JOURNAL_SCHEMA } from "./journal-table.ts";
import { SOURCES_SCHEMA } from "./source-table.ts";

/** What each version of the log has added, the first one first. */
const MIGRATIONS = [
  `
  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    script TEXT NOT NULL,
    source TEXT,
    details TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT,
    recordings TEXT,
    ok INTEGER,
    dropped_events INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX runs_by_start ON runs (started_at);
  CREATE TABLE events (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    step_id TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run_id, place)
  ) STRICT, WITHOUT ROWID;`,
  `
  ALTER TABLE runs ADD COLUMN state TEXT;
  ALTER TABLE runs ADD COLUMN holder TEXT;
  ALTER TABLE runs ADD COLUMN seen_at INTEGER;
  ALTER TABLE runs ADD COLUMN exit_code INTEGER;
  ALTER TABLE runs ADD COLUMN calls INTEGER;
  ALTER TABLE runs ADD COLUMN input_tokens INTEGER;
  ALTER TABLE runs ADD COLUMN output_tokens INTEGER;
  ALTER TABLE runs ADD COLUMN cost REAL;
  ALTER TABLE runs ADD COLUMN dropped_output INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE calls (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    step_id TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER,
    request TEXT NOT NULL,
    answer TEXT,
    PRIMARY KEY (run_id, place)
  ) STRICT;
  CREATE TABLE output (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    stream TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (run_id, place)
  ) STRICT;`,
  JOURNAL_SCHEMA,
  SOURCES_SCHEMA,
];

/** The version of a log that has all of it. A file says its own, as `user_version`. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** @throws {Error} for a log that a newer version made. */
export function versionOf(database: DatabaseSync): number {
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > SCHEMA_VERSION) throw new Error("a newer version of geppetto-js made it");
  return version;
}

/** Gives a log what it lacks, or all; in it stays what older versions wrote. To be done in a transaction. */
export function migrate(database: DatabaseSync): void {
  for (const migration of MIGRATIONS.slice(versionOf(database))) database.exec(migration);
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
}

/** What a log says of a run. Fields of the second part are missing in a log of the first version. */
export interface RunRow {
  id: string;
  script: string;
  source: string | null;
  details: string;
  started_at: number;
  ended_at: number | null;
  outcome: string | null;
  recordings: string | null;
  ok: number | null;
  dropped_events: number;

  state?: string | null;
  /** See {@link thisHolder}. */
  holder?: string | null;
  seen_at?: number | null;
  exit_code?: number | null;
  calls?: number | null;
  input_tokens?: number | null;
  output_tokens?: number | null;
  cost?: number | null;
  dropped_output?: number;

  /** Of a source that is kept apart. */
  source_hash?: string | null;
}

export interface EventRow {
  place: number;
  step_id: string;
  event: string;
}

export interface CallRow {
  step_id: string;
  started_at: number;
  duration_ms: number | null;
  request: string;
  answer: string | null;
}

export interface OutputRow {
  place: number;
  stream: string;
  text: string;
}

const SHORT = "id, script, started_at, ended_at, outcome, ok";
const SINCE_2 = "state, holder, seen_at, exit_code, calls, input_tokens, output_tokens, cost";

export const SQL = {
  begin:
    "INSERT INTO runs (id, script, source, source_hash, details, started_at, holder, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  end: `
    UPDATE runs SET ended_at = ?, outcome = ?, recordings = ?, ok = ?, dropped_events = ?, dropped_output = ?, state = ?,
      exit_code = ?, calls = ?, input_tokens = ?, output_tokens = ?, cost = ? WHERE id = ?`,
  touch: "UPDATE runs SET seen_at = ? WHERE id = ?",
  event: "INSERT INTO events (run_id, place, step_id, event) VALUES (?, ?, ?, ?)",
  call: `
    INSERT INTO calls (run_id, place, step_id, started_at, duration_ms, request, answer) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET duration_ms = excluded.duration_ms, answer = excluded.answer`,
  output: "INSERT INTO output (run_id, place, stream, text) VALUES (?, ?, ?, ?)",
  list: (version: number): string => `
    SELECT ${version < 2 ? SHORT : `${SHORT}, ${SINCE_2}`}, (SELECT count(*) FROM events WHERE run_id = id) AS events
    FROM runs WHERE started_at < ?1 AND started_at >= ?2 AND (?3 IS NULL OR script = ?3 OR script GLOB ?3)
    ORDER BY started_at DESC, rowid DESC`,
  ids: "SELECT id FROM runs WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
  last: "SELECT id FROM runs ORDER BY started_at DESC, rowid DESC LIMIT 1",
  run: "SELECT * FROM runs WHERE id = ?",
  state: (version: number): string =>
    `SELECT ${version < 2 ? "ended_at, ok" : "ended_at, ok, state, holder, seen_at"} FROM runs WHERE id = ?`,
  events: "SELECT place, step_id, event FROM events WHERE run_id = ? AND place > ? ORDER BY place",
  /** Those that may say what a call has used. */
  finals: "SELECT place, step_id, event FROM events WHERE run_id = ? AND instr(event, '\"final\"') > 0 ORDER BY place",
  calls: "SELECT step_id, started_at, duration_ms, request, answer FROM calls WHERE run_id = ? ORDER BY place",
  callsOfStep:
    "SELECT step_id, started_at, duration_ms, request, answer FROM calls WHERE run_id = ? AND step_id = ? ORDER BY place",
  printed: "SELECT place, stream, text FROM output WHERE run_id = ? AND place > ? ORDER BY place",
  prune: `
    DELETE FROM runs WHERE started_at < ?
      OR id IN (SELECT id FROM runs ORDER BY started_at DESC, rowid DESC LIMIT -1 OFFSET ?)`,
} as const;
