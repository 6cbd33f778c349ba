import { randomUUID } from "node:crypto";
import type { JudgedThreshold } from "../../config.ts";
import type { RunUsage, ScriptError, ScriptOutcome } from "../../index.ts";
import type { RunMeasures } from "../stats/run-measures.ts";

export interface DocumentFacts {
  exitCode: number;
  usage: RunUsage;
  measures: RunMeasures;
  thresholds: readonly JudgedThreshold[] | undefined;
  /** The run's id in the log of runs. */
  runId: string;
  /** What the script printed on stdout. */
  stdout: string;
  /** An error as the document shows it. */
  toDocument: (error: ScriptError) => object;
}

/** What `--json` prints for a script. `error` holds what a script may know too; what it reveals is bounded by that. */
export function scriptDocument(outcome: ScriptOutcome, facts: DocumentFacts): object {
  const { exitCode, usage, measures, thresholds = [], runId, stdout, toDocument } = facts;
  const { done, failed, cancelled, toolCalls } = measures;
  const { ok, value, text, error, unhandledErrors, stats, end, waitsFor } = outcome;
  return {
    ok: ok && exitCode === 0,
    result: value ?? text ?? null,
    error: error === undefined ? null : toDocument(error),
    ...(unhandledErrors === undefined ? {} : { unhandledErrors: unhandledErrors.map(toDocument) }),
    usage,
    durationMs: Math.round(stats.durationMs),
    stats: {
      cpuMs: Math.round(stats.cpuMs),
      turns: stats.turns,
      steps: { done, failed, cancelled },
      toolCalls,
    },
    ...(thresholds.length > 0 ? { thresholds } : {}),
    runId,
    end,
    ...(waitsFor === undefined ? {} : { waitsFor }),
    exitCode,
    stdout,
  };
}

/** What `--json` prints where no script ran at all. */
export function failureDocument(
  { message, code, runId = randomUUID() }: { message: string; code: string; runId?: string | undefined },
  exitCode: number,
): object {
  return {
    ok: false,
    result: null,
    error: { name: "Error", message, code },
    usage: { calls: 0, inputTokens: 0, outputTokens: 0 },
    durationMs: 0,
    runId,
    end: "refused",
    exitCode,
    stdout: "",
  };
}
