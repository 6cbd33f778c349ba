/** Takes out of the realm what else would differ each time that a script runs: the time, and random numbers. */
import type { ReproducibleConfig } from "../../../src/shared/contract/features.ts";
import {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ReflectApply,
  SafeDate,
  SafeWeakMap,
} from "../../../src/shared/primordials.ts";
import { createRandom } from "../../../src/shared/random.ts";
import { currentMs, setClock } from "./current-time.ts";
import { replaceDate } from "./replace-date.ts";
import { replaceMethod } from "./replace-method.ts";

let hasReplaced = false;

/** Takes time and chance from there; also where they have been taken from elsewhere before. */
export function installReproducible({ seed, clock }: ReproducibleConfig): void {
  replaceMethod(Math, "random", createRandom(seed));
  setClock(clock);
  if (hasReplaced) return;
  hasReplaced = true;
  replaceMethod(SafeDate, "now", () => currentMs());
  replaceDate((args) => args);
  replaceFormats();
  replaceTemporal();
}

/** What is written without a date is the present. */
function replaceFormats(): void {
  const { prototype } = Intl.DateTimeFormat;
  const { formatToParts } = prototype;
  replaceMethod(prototype, "formatToParts", function (this: unknown, date: unknown) {
    return ReflectApply(formatToParts, this as never, [date === undefined ? currentMs() : date] as never);
  });
  const found = ObjectGetOwnPropertyDescriptor(prototype, "format")!;
  const bound = new SafeWeakMap<object, (date?: unknown) => string>();
  const { get } = {
    get(this: object) {
      const original = ReflectApply(found.get!, this, []) as (date: unknown) => string;
      let format = bound.get(original);
      if (format === undefined) {
        format = { [""]: (date?: unknown) => original(date === undefined ? currentMs() : date) }[""]!;
        bound.set(original, format);
      }
      return format;
    },
  };
  ObjectDefineProperty(get, "name", { __proto__: null, value: "get format" } as PropertyDescriptor);
  ObjectDefineProperty(prototype, "format", { __proto__: null, get } as PropertyDescriptor);
}

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Class = Record<string, unknown> & { prototype: Record<string, Method> };

function replaceTemporal(): void {
  const { Temporal } = globalThis as { Temporal?: Record<"Now" | "Instant" | "ZonedDateTime", Class> };
  if (Temporal === undefined) return;
  const { Now, Instant, ZonedDateTime } = Temporal;
  const fromMs = Instant["fromEpochMilliseconds"] as (ms: number) => object;
  const { toZonedDateTimeISO } = Instant.prototype;
  const { timeZoneId } = Now as { timeZoneId?: () => string };
  const instant = (): object => ReflectApply(fromMs, Instant, [currentMs()]);
  const zoned = (zone: unknown): object =>
    ReflectApply(toZonedDateTimeISO!, instant(), [zone === undefined ? timeZoneId!() : zone]) as object;
  replaceMethod(Now, "instant", instant);
  replaceMethod(Now, "zonedDateTimeISO", zoned);
  const parts = [
    ["plainDateTimeISO", "toPlainDateTime"],
    ["plainDateISO", "toPlainDate"],
    ["plainTimeISO", "toPlainTime"],
  ] as const;
  for (let i = 0; i < parts.length; i++) {
    const convert = ZonedDateTime.prototype[parts[i]![1]]!;
    replaceMethod(Now, parts[i]![0], (zone: unknown) => ReflectApply(convert, zoned(zone), []));
  }
}
