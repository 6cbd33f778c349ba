/** The local time of a time zone, computed with what ICU knows of it: for a realm whose process is set to another one. */
import {
  MathMax,
  MathMin,
  ObjectCreate,
  SafeDate,
  SafeNumber,
  uncurryMethod,
} from "../../../src/shared/primordials.ts";

const { DateTimeFormat } = Intl;
const formatToParts = uncurryMethod(DateTimeFormat.prototype.formatToParts);
const { UTC } = SafeDate;
const setUTCFullYear = uncurryMethod(Date.prototype.setUTCFullYear);

/** Offsets from UTC change at multiples of this, in milliseconds. */
const SLOT_MS = 900_000;
const DAY_MS = 86_400_000;
/** The last moment that a Date can hold; the first is as far before 1970. */
const MAX_MS = 8.64e15;

/** A formatter of the zone's; created here, so that a script's own changes to `Intl` do not matter. */
export function createFormat(timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new DateTimeFormat("en-US", { ...options, timeZone });
}

export function partOf(format: Intl.DateTimeFormat, ms: number, type: string): string {
  const parts = formatToParts(format, ms);
  for (let i = 0; i < parts.length; i++) if (parts[i]!.type === type) return parts[i]!.value;
  return "";
}

/** One time zone. Times are in milliseconds since 1970; a local one counts as if it were UTC. */
export class LocalTime {
  readonly #format: Intl.DateTimeFormat;
  #slot = NaN;
  #offset = 0;

  constructor(timeZone: string) {
    this.#format = createFormat(timeZone, {
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  /** How much later it is there than UTC says, in milliseconds. */
  offsetAt(ms: number): number {
    const slot = ms - (ms % SLOT_MS);
    if (slot !== this.#slot || ms < 0) {
      this.#offset = this.#compute(ms);
      this.#slot = slot;
    }
    return this.#offset;
  }

  toLocal(ms: number): number {
    return ms + this.offsetAt(ms);
  }

  /** Of a local time that comes twice the first; one that is left out counts on from before. */
  toUtc(local: number): number {
    if (!(local - local === 0)) return NaN;
    const before = this.offsetAt(local - DAY_MS);
    const after = this.offsetAt(local + DAY_MS);
    if (before === after || this.offsetAt(local - before) === before) return local - before;
    return this.offsetAt(local - after) === after ? local - after : local - before;
  }

  #compute(given: number): number {
    const ms = MathMax(-MAX_MS, MathMin(MAX_MS, given));
    const parts = formatToParts(this.#format, ms);
    const fields = ObjectCreate(null) as Record<string, number>;
    let isBefore = false;
    for (let i = 0; i < parts.length; i++) {
      const { type, value } = parts[i]!;
      if (type === "era") isBefore = value === "BC";
      else fields[type] = SafeNumber(value);
    }
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
    // A leap year, so that every day is there; years before 100 would be taken for later ones.
    const date = new SafeDate(UTC(2000, month - 1, day, hour, minute, second));
    const local = setUTCFullYear(date, isBefore ? 1 - year : year, month - 1, day);
    return local - (ms - (((ms % 1000) + 1000) % 1000));
  }
}
