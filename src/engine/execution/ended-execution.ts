import { journalFailed } from "../../journal/executions/execution-errors.ts";
import type { Journal } from "../../journal/executions/journal.ts";
import type { HostBridge } from "../../sandbox/realm.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { ExecutionOptions, RunScriptOptions } from "../engine-options.ts";
import { cancelledError, failedOutcome, type ScriptOutcome } from "../script/script-run.ts";
import { RECORDS } from "./tape-record.ts";

/**
 * The options, where they ask for an execution that lasts.
 *
 * @throws {GeppettoError} ConfigError where there is a journal and no id, or the other way round, or time is virtual; for another
 *   thing than a journal.
 */
export function lastingOptions(options: RunScriptOptions, isVirtual: boolean): ExecutionOptions | undefined {
  const { journal, id } = options;
  if (journal === undefined && id === undefined) return undefined;
  if (journal === undefined || id === undefined) {
    throw unusable(journal === undefined ? "an id needs a journal" : "a journal needs the id of the execution");
  }
  if (typeof (journal as Partial<Journal> | null)?.get !== "function")
    throw unusable("journal must be a journal of executions, such as a SqliteJournal");
  if (isVirtual) throw unusable("a deterministic engine keeps no executions, its time is not that of the world");
  return { ...options, journal, id };
}

function unusable(why: string): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot run a script: ${why}`);
}

const NO_STATS = { durationMs: 0, cpuMs: 0, turns: 0 };

/**
 * How the execution has ended; undefined for one that has not, or does not exist. What it has printed is printed once more
 * where the options say so.
 */
export async function endedOutcome(
  { journal, id, tenant, printsAgain = false }: ExecutionOptions,
  served: Pick<HostBridge, "note">,
): Promise<ScriptOutcome | undefined> {
  const known = await journal.get(id);
  const hasEnded = known?.state === "completed" || known?.state === "failed";
  // Another tenant is told nothing: to go on is refused.
  if (known === undefined || !hasEnded || (tenant ?? "") !== (known.tenant ?? "")) return undefined;
  let outcome: ScriptOutcome | undefined;
  for await (const { kind, text } of journal.records(id)) {
    if (kind === RECORDS.output && printsAgain) served.note(text);
    if (kind === RECORDS.end) outcome = { ...readOutcome(id, text), stats: NO_STATS };
  }
  return outcome ?? { ...failedOutcome("aborted", cancelledError()), isCancelled: true };
}

/** How an execution has ended, by its last record. @throws {GeppettoError} ERR_JOURNAL for what nobody can have kept. */
export function readOutcome(id: string, text: string): ScriptOutcome {
  try {
    const outcome = JSON.parse(text) as ScriptOutcome;
    const { ok, end, error } = outcome;
    const isError = error === undefined || (typeof error.name === "string" && typeof error.message === "string");
    if (typeof ok === "boolean" && typeof end === "string" && isError) return outcome;
  } catch {
    // It is as damaged as one that says nothing.
  }
  throw journalFailed(`how the execution ${id} has ended is damaged`);
}
