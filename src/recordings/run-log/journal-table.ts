import type { DatabaseSync } from "node:sqlite";
import { readTexts } from "./source-table.ts";

/** What the third version of the log has added. */
export const JOURNAL_SCHEMA = `
  CREATE TABLE journals (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    chunk BLOB NOT NULL,
    PRIMARY KEY (run_id, place)
  ) STRICT;
  CREATE TABLE journal_failures (
    run_id TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    reason TEXT NOT NULL
  ) STRICT;
`;

/** The journal of a run in the log: its parts in order, or why there is none. */
export interface LoggedJournal {
  chunks: Uint8Array[];
  /** What is kept of the long texts with which the run began, by their hash. */
  texts: ReadonlyMap<string, Uint8Array>;
  failure?: string;
}

export function writeChunk(database: DatabaseSync, runId: string, place: number, chunk: Uint8Array): void {
  database.prepare("INSERT INTO journals (run_id, place, chunk) VALUES (?, ?, ?)").run(runId, place, chunk);
}

/** Gives a run's journal up, for this reason. */
export function writeFailure(database: DatabaseSync, runId: string, reason: string): void {
  database.prepare("DELETE FROM journals WHERE run_id = ?").run(runId);
  database.prepare("INSERT OR REPLACE INTO journal_failures (run_id, reason) VALUES (?, ?)").run(runId, reason);
}

/** Why the run has no journal; undefined where it has one, or nobody said. */
export function readFailure(database: DatabaseSync, version: number, runId: string): string | undefined {
  if (version < 3) return undefined;
  const row = database.prepare("SELECT reason FROM journal_failures WHERE run_id = ?").get(runId);
  return row && String(row["reason"]);
}

/** undefined where the run has no journal: an earlier version logged it. */
export function readChunks(database: DatabaseSync, version: number, runId: string): LoggedJournal | undefined {
  if (version < 3) return undefined;
  const failure = readFailure(database, version, runId);
  const rows = database.prepare("SELECT chunk FROM journals WHERE run_id = ? ORDER BY place").all(runId);
  if (failure === undefined && rows.length === 0) return undefined;
  return {
    chunks: rows.map(({ chunk }) => chunk as Uint8Array),
    texts: readTexts(database, version, runId),
    ...(failure === undefined ? {} : { failure }),
  };
}
