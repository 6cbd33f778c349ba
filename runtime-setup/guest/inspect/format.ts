import {
  JSONStringifyAny,
  NumberParseFloat,
  NumberParseInt,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  SafeNumber,
  SafeString,
  SafeSymbol,
  StringIncludes,
  StringSlice,
} from "../../../src/shared/primordials.ts";
import { isError } from "./brands.ts";
import type { InspectOptions } from "./context.ts";
import { inspect } from "./inspect.ts";
import { isBuiltInName } from "./names.ts";
import { formatPlainNumber } from "./primitive.ts";

const { toPrimitive } = SafeSymbol;

/** Would `String(value)` run nothing but the language's own code? Then inspecting it says more. */
function hasBuiltInToString(value: object): boolean {
  const fields = value as { toString?: unknown; [toPrimitive]?: unknown };
  const viaString = typeof fields.toString === "function";
  const viaPrimitive = typeof fields[toPrimitive] === "function";
  if (!viaString && !viaPrimitive) return true;
  let at: object | null = value;
  while (
    at !== null &&
    !(viaString && ObjectHasOwn(at, "toString")) &&
    !(viaPrimitive && ObjectHasOwn(at, toPrimitive))
  ) {
    at = ObjectGetPrototypeOf(at) as object | null;
  }
  if (at === null || at === value) return false;
  const constructor: unknown = ObjectGetOwnPropertyDescriptor(at, "constructor")?.value;
  return typeof constructor === "function" && isBuiltInName(constructor.name);
}

function stringOf(value: unknown, options: InspectOptions): string {
  if (typeof value === "number" || typeof value === "bigint") return formatPlainNumber(value);
  if (typeof value !== "object" || value === null || !hasBuiltInToString(value)) return SafeString(value);
  return inspect(value, { ...options, compact: 3, colors: false, depth: 0 });
}

function jsonOf(value: unknown): string {
  try {
    return SafeString(JSONStringifyAny(value));
  } catch (error) {
    if (
      isError(error) &&
      error.name === "TypeError" &&
      StringIncludes(SafeString(error.message), "circular structure")
    ) {
      return "[Circular]";
    }
    throw error;
  }
}

function numberOf(value: unknown, convert: (value: never) => number): string {
  if (typeof value === "symbol") return "NaN";
  return formatPlainNumber(typeof value === "bigint" && convert !== NumberParseFloat ? value : convert(value as never));
}

function convert(placeholder: string, value: unknown, options: InspectOptions): string {
  switch (placeholder) {
    case "s":
      return stringOf(value, options);
    case "j":
      return jsonOf(value);
    case "d":
      return numberOf(value, SafeNumber as (value: unknown) => number);
    case "i":
      return numberOf(value, NumberParseInt);
    case "f":
      return numberOf(value, NumberParseFloat);
    case "o":
      return inspect(value, { ...options, showHidden: true, depth: 4 });
    case "O":
      return inspect(value, options);
    default:
      // %c takes CSS, which a terminal has no use for.
      return "";
  }
}

/** A placeholder's text; where its conversion throws, what can be shown of the value instead. */
function safely(placeholder: string, value: unknown, options: InspectOptions): string {
  try {
    return convert(placeholder, value, options);
  } catch {
    return inspect(value, { ...options, customInspect: false, depth: 0 });
  }
}

/** What `console.log(...args)` shows: placeholders of the first string filled in, the rest behind it. Never throws. */
export function formatArguments(args: readonly unknown[], options: InspectOptions = {}): string {
  let out = "";
  let used = 0;
  const first = args[0];
  if (typeof first === "string") {
    used = 1;
    let last = 0;
    if (args.length > 1) {
      for (let i = 0; i < first.length - 1; i++) {
        if (first[i] !== "%") continue;
        const placeholder = first[i + 1]!;
        i++;
        if (placeholder === "%") {
          out += StringSlice(first, last, i);
          last = i + 1;
        } else if (used < args.length && StringIncludes("sjdifoOc", placeholder)) {
          out += StringSlice(first, last, i - 1) + safely(placeholder, args[used++], options);
          last = i + 1;
        }
      }
    }
    out += StringSlice(first, last);
  }
  for (let i = used; i < args.length; i++) {
    const value = args[i];
    out += (i === 0 ? "" : " ") + (typeof value === "string" ? value : inspect(value, options));
  }
  return out;
}
