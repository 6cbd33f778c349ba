import {
  isNativePromise,
  append,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetOwnPropertyNames,
  ObjectGetOwnPropertySymbols,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  ObjectKeys,
  ObjectPropertyIsEnumerable,
  ReflectApply,
  ReflectOwnKeys,
  SafeSet,
  SafeWeakMap,
  StringCharCodeAt,
  StringRepeat,
} from "../../../src/shared/primordials.ts";
import { symbolToString } from "./brands.ts";
import type { Context } from "./context.ts";
import type { Extras } from "./layout.ts";
import { isBuiltInName } from "./names.ts";
import { escapeText, formatPrimitive, quote } from "./primitive.ts";
import { textWidth } from "../../../src/shared/text-width.ts";

/** Arrays longer than this are not searched for properties that are not items: listing the keys would fill the memory. */
const MAX_SEARCHED_LENGTH = 100_000;

/** The keys of an object that are shown. */
export function shownKeys(value: object, showHidden: boolean): PropertyKey[] {
  const symbols = ObjectGetOwnPropertySymbols(value);
  const keys: PropertyKey[] = showHidden ? ObjectGetOwnPropertyNames(value) : ObjectKeys(value);
  for (let i = 0; i < symbols.length; i++) {
    if (showHidden || ObjectPropertyIsEnumerable(value, symbols[i]!)) append(keys, symbols[i]!);
  }
  return keys;
}

function isIndex(key: PropertyKey): boolean {
  if (typeof key !== "string" || key === "" || key.length > 10 || (key[0] === "0" && key !== "0")) return false;
  for (let i = 0; i < key.length; i++) {
    const code = StringCharCodeAt(key, i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return +key < 2 ** 32 - 1;
}

/** The keys of an array that are not items. */
export function extraKeys(value: object, length: number, showHidden: boolean): PropertyKey[] {
  const extra: PropertyKey[] = [];
  if (length > MAX_SEARCHED_LENGTH) return extra;
  const keys = shownKeys(value, showHidden);
  for (let i = 0; i < keys.length; i++) if (!isIndex(keys[i]!)) append(extra, keys[i]!);
  return extra;
}

function formatKey(context: Context, key: PropertyKey, isEnumerable: boolean): string {
  let name: string;
  if (typeof key === "symbol") name = context.stylize(escapeText(symbolToString(key)), "symbol");
  else if (key === "__proto__") name = "['__proto__']";
  else
    name = isIdentifier(key as string)
      ? context.stylize(key as string, "name")
      : context.stylize(quote(key as string), "string");
  return isEnumerable ? name : `[${name}]`;
}

function isIdentifier(key: string): boolean {
  for (let i = 0; i < key.length; i++) {
    const code = StringCharCodeAt(key, i);
    const letter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f;
    if (!letter && (i === 0 || code < 0x30 || code > 0x39)) return false;
  }
  return key !== "";
}

function formatGetter(context: Context, descriptor: PropertyDescriptor, original: object, depth: number): string {
  const { get, set } = descriptor;
  const label = set === undefined ? "Getter" : "Getter/Setter";
  const special = (text: string): string => context.stylize(text, "special");
  const { getters } = context;
  const asked =
    getters === true || (getters === "get" && set === undefined) || (getters === "set" && set !== undefined);
  if (!asked) return special(`[${label}]`);
  context.indentation += 2;
  let shown: string;
  try {
    const value: unknown = ReflectApply(get as () => unknown, original, []);
    // A promise that is rejected has been looked at: to show it is not a failure of the script.
    isNativePromise(value);
    if (value !== null && (typeof value === "object" || typeof value === "function")) {
      shown = `${special(`[${label}]`)} ${context.format(context, value, depth)}`;
    } else {
      shown = `${special(`[${label}:`)} ${formatPrimitive(context.stylize, value, context)}${special("]")}`;
    }
  } catch (error) {
    shown = `${special(`[${label}:`)} <Inspection threw (${context.format(context, error, depth)})>${special("]")}`;
  }
  context.indentation -= 2;
  return shown;
}

/** Getters of ours that stand for a plain value. */
const values = new SafeWeakMap<object, true>();

/** Shows what this getter gives in place of that there is one. */
export function showAsValue(getter: () => unknown): void {
  values.set(getter, true);
}

/** The descriptor with the value that stands behind it. */
function withValue(descriptor: PropertyDescriptor, original: object): PropertyDescriptor {
  const { get, enumerable = false } = descriptor;
  if (get === undefined || !values.has(get)) return descriptor;
  return { value: ReflectApply(get, original, []), enumerable };
}

/** `key: value`, or the value alone for an item of an array. */
export function formatProperty(
  context: Context,
  value: object,
  depth: number,
  key: PropertyKey,
  extras: Extras,
  given?: PropertyDescriptor,
  original: object = value,
): string {
  const found = given ?? ObjectGetOwnPropertyDescriptor(value, key);
  if (found === undefined) return `${formatKey(context, key, true)}: ${context.stylize("undefined", "undefined")}`;
  const descriptor = withValue(found, original);
  let separator = " ";
  let shown: string;
  if (descriptor.value !== undefined) {
    const step = context.compact !== true || extras !== "object" ? 2 : 3;
    context.indentation += step;
    shown = context.format(context, descriptor.value, depth);
    if (step === 3 && context.breakLength < textWidth(shown)) separator = `\n${StringRepeat(" ", context.indentation)}`;
    context.indentation -= step;
  } else if (descriptor.get !== undefined) shown = formatGetter(context, descriptor, original, depth);
  else if (descriptor.set !== undefined) shown = context.stylize("[Setter]", "special");
  else shown = context.stylize("undefined", "undefined");
  context.budget -= shown.length;
  if (extras === "array") return shown;
  return `${formatKey(context, key, descriptor.enumerable !== false)}:${separator}${shown}`;
}

/** Shows what up to three prototypes of the script's own classes add, for `showHidden`. */
export function formatPrototypeProperties(context: Context, main: object, first: object, depth: number): string[] {
  const output: string[] = [];
  const known = new SafeSet<PropertyKey>();
  let at = first;
  for (let layer = 0; layer < 3; layer++) {
    if (layer !== 0 || main === at) {
      const next = ObjectGetPrototypeOf(at) as object | null;
      if (next === null) return output;
      at = next;
      const constructor: unknown = ObjectGetOwnPropertyDescriptor(at, "constructor")?.value;
      if (typeof constructor === "function" && isBuiltInName(constructor.name)) return output;
    }
    const keys = ReflectOwnKeys(at);
    append(context.seen, main);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (key === "constructor" || ObjectHasOwn(main, key) || known.has(key)) continue;
      known.add(key);
      const descriptor = ObjectGetOwnPropertyDescriptor(at, key);
      if (descriptor === undefined || typeof descriptor.value === "function") continue;
      const text = formatProperty(context, at, depth, key, "object", descriptor, main);
      append(output, context.colors ? `\u001b[2m${text}\u001b[22m` : text);
    }
    context.seen.length--;
  }
  return output;
}
