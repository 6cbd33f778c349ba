import { randomUUID } from "node:crypto";
import type { RunUsage, ScriptError, ScriptOutcome } from "../../index.ts";

export interface DocumentFacts {
  exitCode: number;
  usage: RunUsage;
  /** The run's id in the log of runs. */
  runId: string;
  /** What the script printed on stdout. */
  stdout: string;
  /** An error as the document shows it. */
  toDocument: (error: ScriptError) => object;
}

/** What `--json` prints for a script. `error` holds what a script may know too; what it reveals is bounded by that. */
export function scriptDocument(outcome: ScriptOutcome, facts: DocumentFacts): object {
  const { exitCode, usage, runId, stdout, toDocument } = facts;
  const { ok, value, text, error, unhandledErrors, stats, end } = outcome;
  return {
    ok: ok && exitCode === 0,
    result: value ?? text ?? null,
    error: error === undefined ? null : toDocument(error),
    ...(unhandledErrors === undefined ? {} : { unhandledErrors: unhandledErrors.map(toDocument) }),
    usage,
    durationMs: Math.round(stats.durationMs),
    runId,
    end,
    exitCode,
    stdout,
  };
}

/** What `--json` prints where no script ran at all. */
export function failureDocument(message: string, exitCode: number, code?: string): object {
  return {
    ok: false,
    result: null,
    error: { name: "Error", message, ...(code === undefined ? {} : { code }) },
    usage: { calls: 0, inputTokens: 0, outputTokens: 0 },
    durationMs: 0,
    runId: randomUUID(),
    end: "refused",
    exitCode,
    stdout: "",
  };
}
