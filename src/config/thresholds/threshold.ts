import { closestName } from "../../shared/closest-name.ts";

/**
 * What a metric measures: a number of things, US dollars, one time, or the times of many things.
 * An aggregate says which number of many is meant; without one, every one of them.
 */
export type MetricKind = "count" | "amount" | "time" | "times";

const COMPARISONS = {
  "<": (value: number, bound: number): boolean => value < bound,
  "<=": (value: number, bound: number): boolean => value <= bound,
  ">": (value: number, bound: number): boolean => value > bound,
  ">=": (value: number, bound: number): boolean => value >= bound,
  "==": (value: number, bound: number): boolean => value === bound,
} as const;

export type Comparison = keyof typeof COMPARISONS;

const AGGREGATES = ["avg", "min", "max", "med", "count"] as const;

/** "p" goes with a percentile, "every" is what stands where nothing is written. */
export type Aggregate = (typeof AGGREGATES)[number] | "p" | "every";

/** What a measured value must be like. Times are milliseconds. */
export interface Threshold {
  /** As it was written. */
  text: string;
  aggregate: Aggregate;
  percentile?: number;
  comparison: Comparison;
  bound: number;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** Most thresholds of one metric. */
const MAX_THRESHOLDS = 100;

/** Longest text of one: nothing that means something is longer. */
const MAX_CHARS = 100;

const EXPRESSION = /^([a-z][a-z\d.]*)?(?:\(([^()]*)\))?(<=|>=|==|<|>)(\d+(?:\.\d+)?|\.\d+)([a-z]*)$/i;

/** For errors and documents: what a threshold of such a metric looks like. */
export const THRESHOLD_FORMS: Readonly<Record<MetricKind, string>> = {
  count: 'a comparison with a number, such as "<10"',
  amount: 'a comparison with US dollars, such as "<0.10"',
  time: 'a comparison with a time, such as "<2s"',
  times: 'a comparison such as "p(95)<2s", "avg<500ms" or "<10s" for every one',
};

/** The thresholds of one metric, a text or a list of texts; or why they are none. */
export function parseThresholds(given: unknown, kind: MetricKind): readonly Threshold[] | { problem: string } {
  const texts: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (texts.length === 0 || texts.length > MAX_THRESHOLDS) {
    return { problem: texts.length === 0 ? "the list is empty" : `there are more than ${MAX_THRESHOLDS}` };
  }
  const thresholds: Threshold[] = [];
  for (const text of texts) {
    const parsed = parseThreshold(text, kind);
    if ("problem" in parsed) return parsed;
    thresholds.push(parsed);
  }
  return thresholds;
}

function parseThreshold(given: unknown, kind: MetricKind): Threshold | { problem: string } {
  if (typeof given !== "string") return { problem: "it is not a text" };
  if (given.length > MAX_CHARS) return { problem: "it is too long" };
  const match = EXPRESSION.exec(given.replace(/\s+/g, ""));
  if (match === null) return { problem: flawOf(given) };
  const [, name = "", argument, comparison = "", number = "", unit = ""] = match;
  const aggregate = parseAggregate(name, argument, kind, comparison + number + unit);
  if ("problem" in aggregate) return aggregate;
  const bound = parseBound(number, unit, aggregate.aggregate === "count" ? "count" : kind, comparison);
  if (typeof bound === "object") return bound;
  return { text: given.trim(), ...aggregate, comparison: comparison as Comparison, bound };
}

function parseAggregate(
  name: string,
  argument: string | undefined,
  kind: MetricKind,
  rest: string,
): Pick<Threshold, "aggregate" | "percentile"> | { problem: string } {
  if (name === "" && argument === undefined) return { aggregate: "every" };
  if (kind !== "times") return { problem: `it is one number, write "${rest}"` };
  if (name === "p" && argument !== undefined) {
    const percentile = argument === "" ? NaN : Number(argument);
    if (percentile >= 0 && percentile <= 100) return { aggregate: "p", percentile };
    return { problem: `p(${argument}) is not a percentile, write p(0) to p(100)` };
  }
  const known = AGGREGATES.find((aggregate) => aggregate === name);
  if (known !== undefined && argument === undefined) return { aggregate: known };
  const given = argument === undefined ? name : `${name}(${argument})`;
  const [, percentile] = /^p(\d+(?:\.\d+)?)$/i.exec(name) ?? [];
  const meant = percentile === undefined ? (known ?? meantAggregate(name)) : `p(${percentile})`;
  const hint = meant === undefined ? `write p(95), ${AGGREGATES.join(", ")} or nothing` : `did you mean "${meant}"?`;
  return { problem: `there is no "${given}", ${hint}` };
}

/** What other programs call them. */
const OTHER_NAMES: Readonly<Record<string, string>> = { mean: "avg", average: "avg", median: "med", p: "p(95)" };

function meantAggregate(name: string): string | undefined {
  return OTHER_NAMES[name.toLowerCase()] ?? closestName(name, AGGREGATES);
}

function parseBound(number: string, unit: string, kind: MetricKind, comparison: string): number | { problem: string } {
  if (kind === "count" || kind === "amount") {
    return unit === "" ? Number(number) : { problem: `it is not a time, write "${comparison}${number}"` };
  }
  const factor = Object.hasOwn(UNITS, unit.toLowerCase()) ? UNITS[unit.toLowerCase()]! : undefined;
  if (factor !== undefined) return Number(number) * factor;
  if (unit !== "") return { problem: `there is no unit "${unit}", write ms, s, m or h` };
  return { problem: `a time needs its unit, write "${comparison}${number}s" or "${comparison}${number}ms"` };
}

function flawOf(text: string): string {
  const [sign = ""] = /[=!<>≤≥≠]+/.exec(text) ?? [];
  const meant: Readonly<Record<string, string>> = {
    "≤": "<=",
    "≥": ">=",
    "=<": "<=",
    "=>": ">=",
    "=": "==",
    "===": "==",
  };
  if (sign === "") return `it compares with nothing, ${Object.keys(COMPARISONS).join(", ")} do`;
  const known = Object.hasOwn(COMPARISONS, sign);
  if (!known) {
    const hint = Object.hasOwn(meant, sign)
      ? `did you mean "${meant[sign]}"?`
      : `use ${Object.keys(COMPARISONS).join(", ")}`;
    return `there is no "${sign}", ${hint}`;
  }
  return "a number must stand behind the comparison, and nothing after it but a unit";
}

/** Is a value as the threshold wants it? */
export function holds({ comparison, bound }: Pick<Threshold, "comparison" | "bound">, value: number): boolean {
  return COMPARISONS[comparison](value, bound);
}
