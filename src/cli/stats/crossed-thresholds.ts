import { judgeThresholds, type JudgedThreshold, type Settings } from "../../config.ts";
import { Budget, type ScriptOutcome } from "../../index.ts";
import { formatCost, formatElapsed } from "../options/quantities.ts";
import type { RunMeasures } from "./run-measures.ts";

/** What the thresholds of a script have come to; none of one that never ran. */
export function judgeScript(
  thresholds: Settings["thresholds"],
  { end, stats }: Pick<ScriptOutcome, "end" | "stats">,
  { durations, failed, toolCalls }: RunMeasures,
  { spent, free, unpriced }: Budget,
): JudgedThreshold[] {
  if (end === "load") return [];
  return judgeThresholds(thresholds, {
    calls: spent.calls + free.calls,
    tokens: spent.tokens + free.tokens,
    cost: unpriced.length > 0 ? undefined : spent.cost,
    duration: stats.durationMs,
    "step.duration": durations,
    "step.errors": failed,
    "tool.calls": toolCalls,
  });
}

/** One line for each threshold that was crossed. */
export function crossedLines(judged: readonly JudgedThreshold[], { unpriced }: Budget): string[] {
  return judged
    .filter(({ ok }) => !ok)
    .map(({ metric, threshold, value, unit }) => {
      if (value === null) {
        return `threshold crossed: ${metric} was to be ${threshold} and is not known: ${unpriced.join(", ")} has no price; set one under prices`;
      }
      return `threshold crossed: ${metric} was to be ${threshold} and is ${formatMeasured(value, unit)}`;
    });
}

/** "2.4 s", "$0.12", "3". */
export function formatMeasured(value: number, unit: JudgedThreshold["unit"]): string {
  if (unit === "ms") return formatElapsed(value);
  return unit === "usd" ? formatCost(value) : String(value);
}

/** The outcome of a script that has done its own part and crossed a threshold. */
export function asCrossed(outcome: ScriptOutcome, lines: readonly string[]): ScriptOutcome {
  const error = { name: "LimitError", message: lines.join("\n"), code: "ERR_THRESHOLD", fromHost: true };
  return { ...outcome, ok: false, error };
}
