import type { JudgedThreshold } from "../../config.ts";
import type { PermissionUse, RunUsage, ScriptOutcome } from "../../index.ts";
import { fromTagged, toTagged, type JournalEnd } from "../../replay.ts";
import { toJson } from "../output/to-json.ts";
import type { SessionEnd } from "./report-outcome.ts";

/** What a replay needs to say how the run ended. */
export interface ToldAtEnd {
  /** The id under which the run was logged. */
  runId: string;
  /** With the texts of those modules that its errors name. */
  outcome: ScriptOutcome;
  usage: RunUsage;
  denied: readonly PermissionUse[];
  /** Absent in journals of earlier versions. */
  thresholds?: readonly JudgedThreshold[];
}

/** The end of a run's journal; `exitCode` is the script's own, whatever became of its output. */
export function toJournalEnd(
  outcome: ScriptOutcome,
  { runId, usage, denied, thresholds = [], signal }: SessionEnd,
  exitCode: number,
): JournalEnd {
  const { value, sources = {}, ...how } = outcome;
  const stacks = toJson([outcome.error, ...(outcome.unhandledErrors ?? [])]);
  const shown = Object.fromEntries(Object.entries(sources).filter(([name]) => stacks.includes(name)));
  const told: ToldAtEnd = { runId, outcome: { ...how, sources: shown }, usage, denied, thresholds };
  return {
    exitCode,
    ...(signal === undefined ? {} : { signal }),
    told: { ...tagged(told), ...(value === undefined ? {} : tagged({ value })) },
  };
}

/** What such an end tells. */
export function readJournalEnd({ told }: JournalEnd): ToldAtEnd {
  const { value, outcome, ...facts } = fromTagged(told) as ToldAtEnd & { value?: unknown };
  // A failed run that nobody looked at is why the script failed: one error, said once.
  const [unhandled] = outcome.unhandledErrors ?? [];
  const isSame = unhandled !== undefined && JSON.stringify(unhandled) === JSON.stringify(outcome.error);
  return {
    ...facts,
    outcome: { ...outcome, ...(isSame ? { error: unhandled } : {}), ...(value === undefined ? {} : { value }) },
  };
}

/** Plain data that JSON keeps; nothing where it cannot be kept: the text of a result says what it was. */
function tagged(value: object): Readonly<Record<string, unknown>> {
  try {
    return toTagged(value) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
