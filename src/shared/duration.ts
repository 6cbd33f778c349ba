/** Times as people write them, on both sides of the wall. */
import { NumberIsFinite, SafeNumber, StringIncludes, StringSlice, StringTrim } from "./primordials.ts";

/** Longest time that can be waited for: a hundred years, in milliseconds. */
export const MAX_WAIT_MS = 3_153_600_000_000;

/** Milliseconds, from a number of them or a text such as "3d", "90s" or "1.5h"; undefined for anything else. */
export function parseWait(value: unknown): number | undefined {
  const ms = typeof value === "number" ? value : typeof value === "string" ? parseText(value) : NaN;
  return NumberIsFinite(ms) && ms >= 0 && ms <= MAX_WAIT_MS ? ms : undefined;
}

function parseText(text: string): number {
  let end = 0;
  while (end < text.length && StringIncludes("0123456789.", text[end]!)) end++;
  return end === 0 ? NaN : SafeNumber(StringSlice(text, 0, end)) * msOf(StringTrim(StringSlice(text, end)));
}

function msOf(unit: string): number {
  switch (unit) {
    case "ms":
      return 1;
    case "s":
      return 1000;
    case "m":
    case "min":
      return 60_000;
    case "h":
      return 3_600_000;
    case "d":
      return 86_400_000;
    case "w":
      return 604_800_000;
    default:
      return NaN;
  }
}
