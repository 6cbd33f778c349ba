import { NumberIsFinite, RegExpTest, SafeDate } from "../../../src/shared/primordials.ts";
import type { LocalTime } from "./local-time.ts";

const parse: (text: string) => number = SafeDate.parse;

const DATE_ONLY = /^[+-]?\d{4,6}(?:-\d\d){0,2}$/;
const ISO_LOCAL = /^[+-]?\d{4,6}(?:-\d\d){0,2}T\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?$/;
/** A zone is named, or an offset follows a time. */
const ZONED = /\b(?:Z|UTC?|GMT|[ECMP][SD]T)\b|\dZ$|\d:\d\d[^+-]*[+-]\s*\d{1,2}:?\d{0,2}/i;

/** The time that a text stands for, as `Date.parse` reads it; a text without a zone is a local time. */
export function readDate(text: string, zone: LocalTime): number {
  if (RegExpTest(DATE_ONLY, text)) return parse(text);
  if (RegExpTest(ISO_LOCAL, text)) return zone.toUtc(parse(`${text}Z`));
  if (RegExpTest(ZONED, text)) return parse(text);
  const local = parse(`${text} UTC`);
  return NumberIsFinite(local) ? zone.toUtc(local) : parse(text);
}
