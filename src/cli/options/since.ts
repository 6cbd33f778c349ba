import { InvalidArgumentError } from "commander";

const MINUTE = 60_000;
const UNITS: Readonly<Record<string, number>> = {
  s: 1000,
  m: MINUTE,
  min: MINUTE,
  h: 60 * MINUTE,
  d: 24 * 60 * MINUTE,
  w: 7 * 24 * 60 * MINUTE,
};
const AGE = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i;
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i;

/**
 * A point in the past, in milliseconds since the epoch: an age such as `2h`, or a date with or without a time, which is
 * local unless it says otherwise.
 *
 * @example
 * parseSince("2h", 7_200_000); // 0
 */
export function parseSince(text: string, now: number = Date.now()): number {
  const [, amount, unit] = AGE.exec(text) ?? [];
  const factor = UNITS[unit?.toLowerCase() ?? ""];
  if (factor !== undefined) return Math.max(0, now - Number(amount) * factor);
  const [, year, month, day] = DATE.exec(text) ?? [];
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  const time = isDay ? Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(" ", "T")) : NaN;
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError(
      "Expected an age such as 30min, 2h or 3d, or a date such as 2026-11-30 or 2026-11-30T08:00.",
    );
  }
  return time;
}
