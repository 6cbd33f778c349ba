import { MAX_TIMER_MS } from "./limits.ts";
import { isArray, NumberIsInteger, StringSlice } from "./primordials.ts";

interface NumberRange {
  /** What is expected, in words. */
  expected: string;
  fits(value: number): boolean;
}

/** What numbers among a host app's options may be. Of an amount, Infinity stands for no limit. */
const RANGES = {
  count: { expected: "a positive whole number", fits: (value) => value >= 1 && NumberIsInteger(value) },
  countOrNone: { expected: "a whole number, 0 or more", fits: (value) => value >= 0 && NumberIsInteger(value) },
  amount: { expected: "a positive number", fits: (value) => value > 0 },
  amountOrNone: { expected: "a number, 0 or more", fits: (value) => value >= 0 },
  milliseconds: {
    expected: `a positive number of milliseconds, at most ${MAX_TIMER_MS}`,
    fits: (value) => value > 0 && value <= MAX_TIMER_MS,
  },
  pause: {
    expected: `a number of milliseconds from 0 to ${MAX_TIMER_MS}`,
    fits: (value) => value >= 0 && value <= MAX_TIMER_MS,
  },
  integer: { expected: "a whole number", fits: NumberIsInteger },
  number: { expected: "a number", fits: (value) => value >= -Infinity },
} as const satisfies Record<string, NumberRange>;

export type NumberKind = keyof typeof RANGES;

/** As much of a text as is shown. */
const MAX_TEXT = 40;

/**
 * What is wrong with an option that has to be such a number; undefined where nothing is, and where it is not given.
 *
 * @example
 * wrongNumber("maxCalls", NaN, "count"); // "maxCalls must be a positive whole number, got NaN"
 */
export function wrongNumber(name: string, value: unknown, kind: NumberKind): string | undefined {
  const { expected, fits } = RANGES[kind];
  if (value === undefined || (typeof value === "number" && fits(value))) return undefined;
  return `${name} must be ${expected}, got ${shown(value)}`;
}

/** A value as an error shows it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return `"${StringSlice(value, 0, MAX_TEXT)}"`;
  if (isArray(value)) return "a list";
  return typeof value === "number" || value === null ? `${value}` : typeof value;
}
