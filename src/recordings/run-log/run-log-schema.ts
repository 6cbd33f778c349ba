import type { DatabaseSync } from "node:sqlite";

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
}

export interface EventRow {
  step_id: string;
  event: string;
}

export const SQL = {
  begin: "INSERT INTO runs (id, script, source, details, started_at) VALUES (?, ?, ?, ?, ?)",
  end: "UPDATE runs SET ended_at = ?, outcome = ?, recordings = ?, ok = ?, dropped_events = ? WHERE id = ?",
  event: "INSERT INTO events (run_id, place, step_id, event) VALUES (?, ?, ?, ?)",
  list: `
    SELECT id, script, started_at, ended_at, outcome, ok, (SELECT count(*) FROM events WHERE run_id = id) AS events
    FROM runs WHERE started_at < ? AND (? IS NULL OR script = ?) ORDER BY started_at DESC, rowid DESC LIMIT ?`,
  find: "SELECT * FROM runs WHERE id >= ? AND id < ? ORDER BY started_at DESC LIMIT 2",
  last: "SELECT * FROM runs ORDER BY started_at DESC, rowid DESC LIMIT 1",
  events: "SELECT step_id, event FROM events WHERE run_id = ? ORDER BY place",
  prune: `
    DELETE FROM runs WHERE started_at < ?
      OR id IN (SELECT id FROM runs ORDER BY started_at DESC, rowid DESC LIMIT -1 OFFSET ?)`,
} as const;
