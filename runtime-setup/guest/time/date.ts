/** `Date` in a time zone of its own, where V8 has another one for the whole process. */
import {
  append,
  ArraySlice,
  MathMax,
  MathTrunc,
  NumberIsFinite,
  ReflectApply,
  SafeDate,
  SafeNumber,
  SafeString,
  SafeSymbol,
  SafeTypeError,
  StringRepeat,
  StringStartsWith,
  uncurryMethod,
} from "../../../src/shared/primordials.ts";
import { createFormat, partOf, type LocalTime } from "./local-time.ts";
import { readDate } from "./read-date.ts";
import { replaceDate } from "./replace-date.ts";
import { type Method, replaceMethod } from "./replace-method.ts";

const { prototype } = Date;
const getTime = uncurryMethod(prototype.getTime);
const setTime = uncurryMethod(prototype.setTime);
const toPrimitive = uncurryMethod(prototype[Symbol.toPrimitive]) as (value: unknown, hint: string) => unknown;
const { UTC } = SafeDate;
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const FIELDS = ["FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds", "Milliseconds"] as const;

function utcMethod(name: string): (date: unknown, ...args: number[]) => number {
  return uncurryMethod((prototype as unknown as Record<string, Method>)[name]!) as never;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : SafeString(value);
}

function yearText(year: number): string {
  const digits = SafeString(year < 0 ? -year : year);
  return `${year < 0 ? "-" : ""}${StringRepeat("0", MathMax(0, 4 - digits.length))}${digits}`;
}

/** What the zone is called at a time; before it had a name of its own, what it is called in its winters. */
function createZoneName(zone: LocalTime, timeZone: string): (ms: number) => string {
  const format = createFormat(timeZone, { timeZoneName: "long" });
  const nameAt = (ms: number): string => partOf(format, ms, "timeZoneName");
  const january = UTC(2024, 0);
  const july = UTC(2024, 6);
  const standard = nameAt(zone.offsetAt(january) <= zone.offsetAt(july) ? january : july);
  return (ms) => {
    const name = nameAt(ms);
    return StringStartsWith(name, "GMT") ? standard : name;
  };
}

/** Makes the realm's `Date` tell and read local times of this zone. */
export function installDate(zone: LocalTime, timeZone: string): void {
  const zoneName = createZoneName(zone, timeZone);
  const get = {} as Record<(typeof FIELDS)[number], (date: unknown) => number>;
  for (let i = 0; i < FIELDS.length; i++) {
    const field = FIELDS[i]!;
    const read = utcMethod(`getUTC${field}`);
    get[field] = (date) => {
      const ms = getTime(date);
      return NumberIsFinite(ms) ? read(new SafeDate(zone.toLocal(ms))) : NaN;
    };
    replaceMethod(prototype, `get${field}`, function (this: unknown) {
      return get[field](this);
    });
    if (field === "Day") continue;
    const change = utcMethod(`setUTC${field}`);
    replaceMethod(prototype, `set${field}`, function (this: unknown, ...args: number[]) {
      const ms = getTime(this);
      const local = new SafeDate(NumberIsFinite(ms) ? zone.toLocal(ms) : NaN);
      const given: [Date, ...number[]] = [local];
      for (let j = 0; j < args.length; j++) append(given, args[j]!);
      return setTime(this, zone.toUtc(ReflectApply(change, undefined, given)));
    });
  }
  replaceMethod(prototype, "getTimezoneOffset", function (this: unknown) {
    const ms = getTime(this);
    return NumberIsFinite(ms) ? 0 - MathTrunc(zone.offsetAt(ms) / 60_000) : NaN;
  });
  replaceMethod(prototype, "getYear", function (this: unknown) {
    return get.FullYear(this) - 1900;
  });
  const setFullYear = uncurryMethod(prototype.setFullYear);
  replaceMethod(prototype, "setYear", function (this: unknown, given: unknown) {
    const year = MathTrunc(SafeNumber(given));
    if (year !== year) return setTime(this, NaN);
    return setFullYear(this, year >= 0 && year <= 99 ? 1900 + year : year);
  });

  const dateText = (date: unknown): string =>
    `${WEEKDAYS[get.Day(date)]} ${MONTHS[get.Month(date)]} ${twoDigits(get.Date(date))} ${yearText(get.FullYear(date))}`;
  const timeText = (date: unknown): string => {
    const ms = getTime(date);
    const minutes = zone.offsetAt(ms) / 60_000;
    const size = minutes < 0 ? -minutes : minutes;
    const offset = `${minutes < 0 ? "-" : "+"}${twoDigits((size - (size % 60)) / 60)}${twoDigits((size % 60) - (size % 1))}`;
    const time = `${twoDigits(get.Hours(date))}:${twoDigits(get.Minutes(date))}:${twoDigits(get.Seconds(date))}`;
    return `${time} GMT${offset} (${zoneName(ms)})`;
  };
  const texts: [key: "toString" | "toDateString" | "toTimeString", text: (date: unknown) => string][] = [
    ["toString", (date) => `${dateText(date)} ${timeText(date)}`],
    ["toDateString", dateText],
    ["toTimeString", timeText],
  ];
  for (let i = 0; i < texts.length; i++) {
    const entry = texts[i]!;
    replaceMethod(prototype, entry[0], function (this: unknown) {
      return NumberIsFinite(getTime(this)) ? entry[1](this) : "Invalid Date";
    });
  }

  const parse = (text: unknown): number => readDate(SafeString(text), zone);
  replaceMethod(SafeDate, "parse", parse);
  installConstructor(zone, parse);
}

function installConstructor(zone: LocalTime, parse: (text: unknown) => number): void {
  /** What the arguments of `new Date(…)` stand for, in milliseconds. */
  const read = (args: readonly unknown[]): number => {
    if (args.length > 1) return zone.toUtc(ReflectApply(UTC, undefined, ArraySlice(args, 0)));
    const value = args[0];
    try {
      return getTime(value);
    } catch {
      // Not a date.
    }
    const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
    const primitive = isObject ? toPrimitiveOf(value) : value;
    if (typeof primitive === "bigint") throw new SafeTypeError("Cannot convert a BigInt value to a number");
    return typeof primitive === "string" ? parse(primitive) : SafeNumber(primitive);
  };
  replaceDate((args) => [read(args)]);
}

/** `ToPrimitive` without a hint. */
function toPrimitiveOf(value: unknown): unknown {
  const own = (value as { [Symbol.toPrimitive]?: unknown })[SafeSymbol.toPrimitive];
  if (own !== undefined && own !== null) return ReflectApply(own as Method, value, ["default"] as never);
  return toPrimitive(value, "number");
}
