/** How many times the tables have changed; kept in the file as `user_version`. */
export const SCHEMA_VERSION = 1;

export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS runs (
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
  CREATE INDEX IF NOT EXISTS runs_by_start ON runs (started_at);
  CREATE TABLE IF NOT EXISTS events (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    step_id TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run_id, place)
  ) STRICT, WITHOUT ROWID;
`;

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
