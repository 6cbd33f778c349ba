import { statSync } from "node:fs";
import type { FollowedItem, RunLog, RunRecord } from "../../index.ts";
import { EXIT } from "../output/exit-codes.ts";
import { readingReason, readRunLog } from "../session/open-run-log.ts";
import { runLogFile } from "../session/run-log-file.ts";
import { readDetails } from "../session/run-start.ts";
import { shortPath } from "../output/short-path.ts";
import { UsageError } from "../options/usage-error.ts";

/** Most ids that are named where several fit. */
const MAX_NAMED = 5;

/**
 * What `work` finds in the log; undefined where there is none yet.
 *
 * @throws {UsageError} for a log that cannot be read.
 */
export function withRunLog<T>(work: (log: RunLog) => T): T | undefined {
  try {
    using log = openLog();
    return log && work(log);
  } catch (error) {
    throw unreadable(error);
  }
}

/**
 * What a run does, until it has ended or the signal aborts.
 *
 * @throws {UsageError} for a log that cannot be read.
 */
export async function* followInLog(id: string, signal?: AbortSignal): AsyncGenerator<FollowedItem, void, undefined> {
  try {
    using log = openLog();
    if (log !== undefined) yield* log.follow(id, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw unreadable(error);
  }
}

function openLog(): RunLog | undefined {
  const file = runLogFile();
  const kind = statSync(file, { throwIfNoEntry: false });
  if (kind === undefined) return undefined;
  if (kind.isDirectory()) throw new Error("it is a folder");
  if (!kind.isFile()) throw new Error("it is not a regular file");
  return readRunLog(file);
}

function unreadable(error: unknown): UsageError {
  return new UsageError(`Cannot read the run log ${shortPath(runLogFile())}: ${readingReason(error)}`, EXIT.noFile);
}

/** @throws {UsageError} where there is no such run, or several. */
export function findRun(id: string): RunRecord {
  const { run, ids } = withRunLog((log) => ({ run: log.show(id), ids: log.ids(id, MAX_NAMED + 1) })) ?? { ids: [] };
  if (run !== undefined) return readable(run);
  throw new UsageError(`Cannot find the run: ${describeMiss(id, ids)}`, EXIT.noFile, "ERR_RUN_UNKNOWN");
}

/** The run with what can be read of how it was started. */
export function readable(run: RunRecord): RunRecord {
  const { details, isDamaged } = readDetails(run.details);
  return isDamaged ? { ...run, details: { ...details }, isDamaged } : run;
}

function describeMiss(id: string, ids: readonly string[]): string {
  if (ids.length > 1) {
    const named = ids.slice(0, MAX_NAMED).join(", ");
    return `the ids of several begin with "${id}": ${named}${ids.length > MAX_NAMED ? ", …" : ""}`;
  }
  const what = id === "last" ? "no run is in the log" : `no run's id begins with "${id}"`;
  return `${what}; geppetto-js runs list shows them`;
}
