import type { Settings } from "../settings.ts";
import { SETTING_BY_PATH } from "../table/names.ts";
import type { Distribution } from "./distribution.ts";
import { holds, type MetricKind, type Threshold } from "./threshold.ts";

/** What was measured of a script; undefined is not known. Times are milliseconds, the cost is US dollars. */
export interface Measured {
  calls: number;
  tokens: number;
  cost: number | undefined;
  duration: number;
  "step.duration": Distribution;
  "step.errors": number;
  "tool.calls": number;
}

/** What has become of one threshold. */
export interface JudgedThreshold {
  metric: string;
  /** As it was written. */
  threshold: string;
  /** What was measured; null where there was nothing to measure, or what it is is not known. */
  value: number | null;
  /** Milliseconds, US dollars or a number of things. */
  unit: "ms" | "usd" | "1";
  ok: boolean;
}

const SECTION = "thresholds.";
const UNITS = { count: "1", amount: "usd", time: "ms", times: "ms" } as const;

/**
 * Compares what was measured with what the settings ask for, in the order of the table. A threshold for steps holds where
 * there were none; one for a cost that is not known does not.
 */
export function judgeThresholds(thresholds: Settings["thresholds"], measured: Measured): JudgedThreshold[] {
  return Object.entries(thresholds).flatMap(([metric, wanted]: [string, readonly Threshold[]]) => {
    const value = measured[metric as keyof Measured];
    return wanted.map((threshold) => ({ metric, threshold: threshold.text, ...judge(metric, threshold, value) }));
  });
}

function judge(
  metric: string,
  threshold: Threshold,
  given: Measured[keyof Measured],
): Pick<JudgedThreshold, "value" | "unit" | "ok"> {
  if (typeof given === "object") {
    const { aggregate, percentile } = threshold;
    // Every one is as it should be where the one furthest off is.
    const furthest = threshold.comparison.startsWith("<") ? "max" : "min";
    const value = given.valueOf(aggregate === "every" ? furthest : aggregate, percentile);
    const isExact = aggregate === "every" && threshold.comparison === "==";
    const ok =
      value === undefined || (holds(threshold, value) && (!isExact || holds(threshold, given.valueOf("max")!)));
    return { value: value ?? null, unit: aggregate === "count" ? "1" : "ms", ok };
  }
  const unit = UNITS[kindOf(metric)];
  return given === undefined ? { value: null, unit, ok: false } : { value: given, unit, ok: holds(threshold, given) };
}

function kindOf(metric: string): MetricKind {
  const kind = SETTING_BY_PATH.get(SECTION + metric)?.kind;
  return kind === "countThreshold" ? "count" : kind === "amountThreshold" ? "amount" : "time";
}
