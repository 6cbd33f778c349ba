import type { DatabaseSync } from "node:sqlite";
import { transact } from "../../base/sqlite.ts";
import { packText, type KeptText } from "../../journal/kept-text.ts";

/** What the fourth version of the log has added: long texts that runs begin with, once for all runs that have the same. */
export const SOURCES_SCHEMA = `
  CREATE TABLE sources (
    hash TEXT PRIMARY KEY,
    text BLOB NOT NULL
  ) STRICT;
  CREATE TABLE run_sources (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    hash TEXT NOT NULL REFERENCES sources (hash),
    PRIMARY KEY (run_id, hash)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX runs_by_source ON run_sources (hash);
  ALTER TABLE runs ADD COLUMN source_hash TEXT;
`;

/** Keeps a text for a run. What is there already is not compressed again. */
export function keepText(database: DatabaseSync, runId: string, { hash, text }: KeptText): void {
  const link = "INSERT OR IGNORE INTO run_sources (run_id, hash) SELECT ?, hash FROM sources WHERE hash = ?";
  if (database.prepare(link).run(runId, hash).changes > 0 || hasText(database, runId, hash)) return;
  const packed = packText(text);
  transact(database, () => {
    database.prepare("INSERT OR IGNORE INTO sources (hash, text) VALUES (?, ?)").run(hash, packed);
    database.prepare(link).run(runId, hash);
  });
}

function hasText(database: DatabaseSync, runId: string, hash: string): boolean {
  return database.prepare("SELECT 1 FROM run_sources WHERE run_id = ? AND hash = ?").get(runId, hash) !== undefined;
}

/** What is kept of the texts of a run, by hash. */
export function readTexts(database: DatabaseSync, version: number, runId: string): Map<string, Uint8Array> {
  if (version < 4) return new Map();
  const sql = "SELECT hash, text FROM run_sources JOIN sources USING (hash) WHERE run_id = ?";
  return new Map(
    database
      .prepare(sql)
      .all(runId)
      .map(({ hash, text }) => [String(hash), text as Uint8Array]),
  );
}

/** Removes the texts that no run has any more. */
export function pruneTexts(database: DatabaseSync): void {
  database.exec("DELETE FROM sources WHERE hash NOT IN (SELECT hash FROM run_sources)");
}
