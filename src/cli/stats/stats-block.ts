import type { JudgedThreshold } from "../../config.ts";
import type { ScriptOutcome } from "../../index.ts";
import { formatCost, formatCount, formatElapsed } from "../options/quantities.ts";
import { fitWidth } from "../output/display-width.ts";
import { alignColumns, onOneLine } from "../output/print-table.ts";
import { formatMeasured } from "./crossed-thresholds.ts";
import type { RunMeasures } from "./run-measures.ts";

const THRESHOLDS = "thresholds";
const GAP = "  ";
/** Most columns that the name of a step takes. */
const MAX_NAME = 30;

/** What `--stats` says at the end: one block of lines, what belongs together below each other. */
export function statsBlock(
  { stats }: Pick<ScriptOutcome, "stats">,
  measures: RunMeasures,
  thresholds: readonly JudgedThreshold[],
): string[] {
  const { durationMs, cpuMs, turns } = stats;
  const { usage, done, failed, cancelled, toolCalls, byType } = measures;
  const { calls, inputTokens, outputTokens, cost } = usage;
  const facts: [name: string, text: string][] = [
    ["time", `${formatElapsed(durationMs)}, ${formatElapsed(cpuMs)} of it computing in ${formatCount(turns, "turn")}`],
    [
      "models",
      [formatCount(calls, "call"), `${inputTokens} tokens in, ${outputTokens} out`, costText(cost)]
        .filter(Boolean)
        .join(", "),
    ],
    ["tools", formatCount(toolCalls, "call")],
    ["steps", stepsText(done, failed, cancelled)],
  ];
  const steps = [...byType].map(([type, times]) => [
    fitWidth(onOneLine(type), MAX_NAME),
    `${times.count} ×`,
    `avg ${formatElapsed(times.valueOf("avg") ?? 0)}`,
    `p(95) ${formatElapsed(times.valueOf("p", 95) ?? 0)}`,
    `max ${formatElapsed(times.valueOf("max") ?? 0)}`,
  ]);
  const judged = thresholds.map(({ metric, threshold, value, unit, ok }) => [
    metric,
    threshold,
    value === null ? "not known" : formatMeasured(value, unit),
    ok ? "held" : "crossed",
  ]);
  const width = Math.max(...facts.map(([name]) => name.length), judged.length > 0 ? THRESHOLDS.length : 0);
  const inner = " ".repeat(width + GAP.length);
  return [
    ...facts.map(([name, text]) => name.padEnd(width) + GAP + text),
    ...alignColumns(steps, [1]).map((line) => inner + line),
    ...alignColumns(judged, [2]).map((line, at) => (at === 0 ? THRESHOLDS.padEnd(width) + GAP : inner) + line),
  ];
}

function costText(cost: number | undefined): string {
  return cost === undefined ? "" : formatCost(cost);
}

function stepsText(done: number, failed: number, cancelled: number): string {
  const parts = [`${done} done`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (cancelled > 0) parts.push(`${cancelled} cancelled`);
  return parts.join(", ");
}
