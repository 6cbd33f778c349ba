import {
  append,
  isArray,
  MathMax,
  MathMin,
  NumberToString,
  ObjectGetOwnPropertyDescriptor,
  ObjectKeys,
  SafeUint8Array,
  uncurryGetter,
  uncurryMethod,
} from "../../../src/shared/primordials.ts";
import { mapSize, setSize } from "./brands.ts";
import type { Context } from "./context.ts";
import { formatBigInt, formatNumber } from "./primitive.ts";
import { formatProperty } from "./properties.ts";

const mapEntries: (map: unknown) => unknown = uncurryMethod(Map.prototype.entries);
const mapNext = uncurryMethod(new Map().entries().next) as (iterator: unknown) => IteratorResult<[unknown, unknown]>;
const setValues: (set: unknown) => unknown = uncurryMethod(Set.prototype.values);
const setNext = uncurryMethod(new Set().values().next) as (iterator: unknown) => IteratorResult<unknown>;
export const typedArrayLength = uncurryGetter(Object.getPrototypeOf(Uint8Array.prototype) as object, "length") as (
  array: unknown,
) => number;

function more(count: number): string {
  return `... ${count} more item${count > 1 ? "s" : ""}`;
}

function holes(context: Context, count: number): string {
  return context.stylize(`<${count} empty item${count > 1 ? "s" : ""}>`, "undefined");
}

/** How many of `length` entries are shown. */
function shownCount(context: Context, length: number): number {
  return MathMin(MathMax(0, context.maxArrayLength), length);
}

function isItem(key: string, after: number): boolean {
  const index = +key;
  return index >= after && index <= 2 ** 32 - 2 && NumberToString(index) === key;
}

/** The rest of an array in which a hole has turned up. */
function formatSparse(context: Context, value: unknown[], depth: number, output: string[], from: number): string[] {
  const limit = shownCount(context, value.length);
  const keys = ObjectKeys(value);
  let index = from;
  for (let i = from; i < keys.length && output.length < limit; i++) {
    const key = keys[i]!;
    if (!isItem(key, index)) break;
    if (+key !== index) {
      append(output, holes(context, +key - index));
      index = +key;
      if (output.length === limit) break;
    }
    append(output, formatProperty(context, value, depth, key, "array"));
    index++;
  }
  const rest = value.length - index;
  if (rest > 0) append(output, output.length === limit ? more(rest) : holes(context, rest));
  return output;
}

export function formatArray(context: Context, value: unknown[], depth: number): string[] {
  const { length } = value;
  const shown = shownCount(context, length);
  const output: string[] = [];
  for (let i = 0; i < shown; i++) {
    if (context.budget < 0) {
      append(output, more(length - i));
      return output;
    }
    const descriptor = ObjectGetOwnPropertyDescriptor(value, i);
    if (descriptor === undefined) return formatSparse(context, value, depth, output, i);
    append(output, formatProperty(context, value, depth, i, "array", descriptor));
  }
  if (length > shown) append(output, more(length - shown));
  return output;
}

export function formatTypedArray(context: Context, value: unknown): string[] {
  const length = typedArrayLength(value);
  const shown = shownCount(context, length);
  const output: string[] = [];
  for (let i = 0; i < shown; i++) {
    const item = (value as ArrayLike<number | bigint>)[i]!;
    const separator = context.numericSeparator;
    append(
      output,
      typeof item === "bigint"
        ? formatBigInt(context.stylize, item, separator)
        : formatNumber(context.stylize, item, separator),
    );
  }
  if (length > shown) append(output, more(length - shown));
  return output;
}

export function formatSet(context: Context, value: unknown, depth: number): string[] {
  const size = setSize(value);
  const shown = shownCount(context, size);
  const output: string[] = [];
  const iterator = setValues(value);
  context.indentation += 2;
  let i = 0;
  for (; i < shown && context.budget >= 0; i++) {
    const next = setNext(iterator);
    if (next.done === true) break;
    const text = context.format(context, next.value, depth);
    context.budget -= text.length;
    append(output, text);
  }
  if (size > i) append(output, more(size - i));
  context.indentation -= 2;
  return output;
}

export function formatMap(context: Context, value: unknown, depth: number): string[] {
  const size = mapSize(value);
  const shown = shownCount(context, size);
  const output: string[] = [];
  const iterator = mapEntries(value);
  context.indentation += 2;
  let i = 0;
  for (; i < shown && context.budget >= 0; i++) {
    const next = mapNext(iterator);
    if (next.done === true) break;
    const key = context.format(context, next.value[0], depth);
    const text = `${key} => ${context.format(context, next.value[1], depth)}`;
    context.budget -= text.length;
    append(output, text);
  }
  if (size > i) append(output, more(size - i));
  context.indentation -= 2;
  return output;
}

/** Entries of a Map, or pairs of position and item of a Set, as plain arrays. */
export function listEntries(value: object, isMapLike: boolean): [unknown, unknown][] {
  const entries: [unknown, unknown][] = [];
  const iterator = isMapLike ? mapEntries(value) : setValues(value);
  for (;;) {
    const next = isMapLike ? mapNext(iterator) : setNext(iterator);
    if (next.done === true) return entries;
    const pair = next.value as [unknown, unknown];
    append(entries, isMapLike && isArray(pair) ? [pair[0], pair[1]] : [entries.length, pair]);
  }
}

export function formatBufferContents(context: Context, value: unknown): string {
  let bytes: Uint8Array;
  try {
    bytes = new SafeUint8Array(value as ArrayBuffer);
  } catch {
    return context.stylize("(detached)", "special");
  }
  const length = typedArrayLength(bytes);
  const shown = shownCount(context, length);
  let hex = "";
  for (let i = 0; i < shown; i++) {
    const byte = bytes[i]!;
    hex += `${i === 0 ? "" : " "}${byte < 16 ? "0" : ""}${NumberToString(byte, 16)}`;
  }
  const rest = length - shown;
  if (rest > 0) hex += ` ... ${rest} more byte${rest > 1 ? "s" : ""}`;
  return `${context.stylize("[Uint8Contents]", "special")}: <${hex}>`;
}
