/** The defaults of what is written in a language and a time zone, where those of the process are other ones. */
import {
  defineHidden,
  ObjectAssign,
  ObjectCreate,
  ReflectApply,
  ReflectConstruct,
  SafeObject,
  SafeProxy,
} from "../../../src/shared/primordials.ts";
import { replaceMethod } from "./replace-method.ts";

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Constructor = new (...args: unknown[]) => object;

const CONSTRUCTORS = [
  "Collator",
  "DateTimeFormat",
  "DisplayNames",
  "DurationFormat",
  "ListFormat",
  "NumberFormat",
  "PluralRules",
  "RelativeTimeFormat",
  "Segmenter",
] as const;

/** The options with the zone, where they name none. */
function withZone(options: unknown, timeZone: string): unknown {
  if (options === null) return options;
  const given = options === undefined ? undefined : (SafeObject(options) as { timeZone?: unknown });
  if (given?.timeZone !== undefined) return options;
  return ObjectAssign(ObjectCreate(given ?? null) as object, { timeZone });
}

function installConstructors(locale: string, timeZone: string): void {
  for (let i = 0; i < CONSTRUCTORS.length; i++) {
    const name = CONSTRUCTORS[i]!;
    const original = (Intl as unknown as Record<string, Constructor | undefined>)[name];
    if (original === undefined) continue;
    const complete = (args: unknown[]): unknown[] => {
      const options = name === "DateTimeFormat" ? withZone(args[1], timeZone) : args[1];
      return [args[0] === undefined ? locale : args[0], options];
    };
    const wrapped = new SafeProxy(original, {
      __proto__: null,
      construct: (target: Constructor, args: unknown[], newTarget: never) =>
        ReflectConstruct(target, complete(args), newTarget),
      apply: (target: Constructor, receiver: unknown, args: unknown[]) =>
        ReflectApply(target as unknown as Method, receiver, complete(args)),
    } as ProxyHandler<Constructor>);
    defineHidden(Intl, name, wrapped);
    defineHidden(original.prototype as object, "constructor", wrapped);
  }
}

/** Gives a method its default at this place among its arguments. */
function complete(target: object | undefined, key: string, change: (args: unknown[]) => void): void {
  const original = (target as Record<string, Method | undefined> | undefined)?.[key];
  if (target === undefined || original === undefined) return;
  const { method } = {
    method(...args: unknown[]) {
      change(args);
      return ReflectApply(original, this, args);
    },
  } satisfies { method: Method };
  replaceMethod(target, key, method);
}

/** Makes the realm's language and time zone the defaults of `Intl`, of `toLocaleString` and of `Temporal.Now`. */
export function installIntl(locale: string, timeZone: string): void {
  installConstructors(locale, timeZone);
  const defaultAt =
    (index: number, value: string) =>
    (args: unknown[]): void => {
      while (args.length <= index) args[args.length] = undefined;
      if (args[index] === undefined) args[index] = value;
    };
  const localeFirst = defaultAt(0, locale);
  const withBoth = (args: unknown[]): void => {
    localeFirst(args);
    args[1] = withZone(args[1], timeZone);
  };
  for (const key of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"])
    complete(Date.prototype, key, withBoth);
  complete(Number.prototype, "toLocaleString", localeFirst);
  complete(BigInt.prototype, "toLocaleString", localeFirst);
  complete(String.prototype, "localeCompare", defaultAt(1, locale));
  for (const key of ["toLocaleUpperCase", "toLocaleLowerCase"]) complete(String.prototype, key, localeFirst);
  installTemporal(localeFirst, withBoth, timeZone);
}

interface TemporalParts {
  Now: Record<string, unknown>;
  [name: string]: { prototype?: object } | Record<string, unknown>;
}

function installTemporal(
  localeFirst: (args: unknown[]) => void,
  withBoth: (args: unknown[]) => void,
  timeZone: string,
): void {
  const { Temporal } = globalThis as { Temporal?: TemporalParts };
  if (Temporal === undefined) return;
  const zoneFirst = (args: unknown[]): void => {
    if (args[0] === undefined) args[0] = timeZone;
  };
  for (const key of ["zonedDateTimeISO", "plainDateTimeISO", "plainDateISO", "plainTimeISO"]) {
    complete(Temporal.Now, key, zoneFirst);
  }
  defineHidden(Temporal.Now, "timeZoneId", { timeZoneId: () => timeZone }.timeZoneId);
  const kinds = [
    "PlainDate",
    "PlainTime",
    "PlainDateTime",
    "PlainYearMonth",
    "PlainMonthDay",
    "ZonedDateTime",
    "Duration",
  ];
  for (const kind of kinds) complete(Temporal[kind]?.prototype as object | undefined, "toLocaleString", localeFirst);
  complete(Temporal["Instant"]?.prototype as object | undefined, "toLocaleString", withBoth);
}
