/**
 * Any value as text, as `util.inspect` of Node gives it. Two things differ: the state of promises, proxies and
 * iterators is not shown, for only the engine itself can see it; and it never throws.
 */
import {
  append,
  ObjectGetOwnPropertyDescriptor,
  ObjectHasOwn,
  ObjectPropertyIsEnumerable,
  ReflectApply,
  SafeMap,
  SafeString,
  SafeSymbol,
  StringIndexOf,
  StringRepeat,
  StringSlice,
  uncurryMethod,
} from "../../../src/shared/primordials.ts";
import { isError, isRegExp, isRevokedProxy } from "./brands.ts";
import { type Context, createContext, type InspectOptions } from "./context.ts";
import { type Extras, layOut } from "./layout.ts";
import { constructorName, isBuiltInName, plainPrefix } from "./names.ts";
import { formatPrimitive } from "./primitive.ts";
import { formatProperty, formatPrototypeProperties } from "./properties.ts";
import { iterableShape, objectShape } from "./shapes.ts";

/** A method under this symbol says how its object is shown. */
export const customInspect: unique symbol = SafeSymbol.for("nodejs.util.inspect.custom") as never;

const { iterator: symbolIterator, toStringTag } = SafeSymbol;
const ArraySort = uncurryMethod(Array.prototype.sort) as (list: string[], compare?: unknown) => string[];

/** The text of any value. Never throws. */
export function inspect(value: unknown, options?: InspectOptions): string {
  let context: Context;
  try {
    context = createContext(options, format);
  } catch {
    context = createContext(undefined, format);
  }
  return format(context, value, 0);
}

/** What custom inspect functions are given: it forgives every kind of options. */
function scriptInspect(value: unknown, options?: unknown): string {
  return inspect(value, typeof options === "object" && options !== null ? options : undefined);
}

function format(context: Context, value: unknown, depth: number, typedArray?: boolean): string {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    return formatPrimitive(context.stylize, value, context);
  }
  const { indentation } = context;
  const seen = context.seen.length;
  try {
    return formatObject(context, value, depth, typedArray);
  } catch (error) {
    context.indentation = indentation;
    context.seen.length = seen;
    if (isRevokedProxy(value)) return context.stylize("<Revoked Proxy>", "special");
    return context.stylize(`[Cannot inspect: ${reason(error)}]`, "special");
  }
}

/** Why an inspection failed, read from something that may itself be hostile. */
function reason(error: unknown): string {
  try {
    const text = isError(error) ? error.message : SafeString(error);
    return StringSlice(SafeString(text), 0, 200);
  } catch {
    return "an object that cannot be read";
  }
}

function formatObject(context: Context, value: object, depth: number, typedArray?: boolean): string {
  if (context.customInspect) {
    const custom = customText(context, value, depth);
    if (custom !== undefined) return custom;
  }
  for (let i = 0; i < context.seen.length; i++) {
    if (context.seen[i] !== value) continue;
    context.circular ??= new SafeMap();
    let index = context.circular.get(value);
    if (index === undefined) {
      index = context.circular.size + 1;
      context.circular.set(value, index);
    }
    return context.stylize(`[Circular *${index}]`, "special");
  }
  return formatRaw(context, value, depth, typedArray);
}

function customText(context: Context, value: object, depth: number): string | undefined {
  const custom = (value as { [customInspect]?: unknown })[customInspect];
  if (typeof custom !== "function" || custom === scriptInspect) return undefined;
  const constructor: unknown = ObjectGetOwnPropertyDescriptor(value, "constructor")?.value;
  if (typeof constructor === "function" && constructor.prototype === value) return undefined;
  const options = {
    ...context.given,
    stylize: context.stylize,
    showHidden: context.showHidden,
    depth: context.depth,
    colors: context.colors,
    customInspect: context.customInspect,
    showProxy: false,
    maxArrayLength: context.maxArrayLength,
    maxStringLength: context.maxStringLength,
    breakLength: context.breakLength,
    compact: context.compact,
    sorted: context.sorted,
    getters: context.getters,
    numericSeparator: context.numericSeparator,
  };
  const left = context.depth === null ? null : context.depth - depth;
  const shown: unknown = ReflectApply(custom, value, [left, options, scriptInspect]);
  if (shown === value) return undefined;
  if (typeof shown !== "string") return format(context, shown, depth);
  return indentLines(shown, context.indentation);
}

function indentLines(text: string, indentation: number): string {
  if (indentation === 0) return text;
  const space = StringRepeat(" ", indentation);
  let out = "";
  let start = 0;
  for (let end = StringIndexOf(text, "\n"); end !== -1; end = StringIndexOf(text, "\n", start)) {
    out += StringSlice(text, start, end + 1) + space;
    start = end + 1;
  }
  return out + StringSlice(text, start);
}

function formatRaw(context: Context, value: object, depth: number, typedArray?: boolean): string {
  const tooDeep = context.depth !== null && depth > context.depth;
  let inherited: string[] = [];
  const constructor = constructorName(value, context, depth, (first, isFirst, name) => {
    if (!context.showHidden || tooDeep || (isFirst && isBuiltInName(name))) return;
    inherited = formatPrototypeProperties(context, value, first, depth);
  });
  const tag = readTag(context, value);
  const shape =
    constructor === null || symbolIterator in value ? iterableShape(context, value, constructor, tag) : undefined;
  const known = shape ?? objectShape(context, value, constructor, tag, typedArray);
  const { keys, extras, braces } = known;
  if (known.bare !== undefined && keys.length === 0 && inherited.length === 0) return known.bare;
  if (tooDeep || context.budget < 0) {
    if (known.base !== "" && isRegExp(value)) return known.base;
    const name = StringSlice(plainPrefix(value, constructor, tag), 0, -1);
    return context.stylize(constructor === null ? name : `[${name}]`, "special");
  }
  const inner = depth + 1;
  append(context.seen, value);
  context.currentDepth = inner;
  const output = known.entries === undefined ? [] : known.entries(context, value as never, inner);
  if (known.accessors !== undefined) appendAccessors(context, value, inner, known.accessors, extras, output);
  for (let i = 0; i < keys.length; i++) {
    if (context.budget < 0) {
      append(output, `... ${keys.length - i} more properties`);
      break;
    }
    append(output, formatProperty(context, value, inner, keys[i]!, extras));
  }
  for (let i = 0; i < inherited.length; i++) append(output, inherited[i]!);
  context.seen.length--;
  let { base } = known;
  const index = context.circular?.get(value);
  if (index !== undefined) {
    const reference = context.stylize(`<ref *${index}>`, "special");
    if (context.compact === true) braces[0] = `${reference} ${braces[0]}`;
    else base = base === "" ? reference : `${reference} ${base}`;
  }
  if (context.sorted) sortEntries(context, output, extras === "object" ? 0 : output.length - keys.length);
  return layOut(context, output, base, braces, extras, inner, value);
}

function appendAccessors(
  context: Context,
  value: object,
  depth: number,
  accessors: readonly string[],
  extras: Extras,
  output: string[],
): void {
  // The items of a typed array are shown already: its buffer is not to repeat them.
  const typedArray = extras === "array-extras" ? true : undefined;
  for (let i = 0; i < accessors.length; i++) {
    const key = accessors[i]!;
    context.indentation += 2;
    const shown = format(context, (value as Record<string, unknown>)[key], depth, typedArray);
    context.indentation -= 2;
    append(output, `${context.stylize(`[${key}]`, "string")}: ${shown}`);
  }
}

function sortEntries(context: Context, output: string[], from: number): void {
  const tail: string[] = [];
  for (let i = from; i < output.length; i++) append(tail, output[i]!);
  ArraySort(tail, context.sorted === true ? undefined : context.sorted);
  for (let i = from; i < output.length; i++) output[i] = tail[i - from]!;
}

function readTag(context: Context, value: object): string {
  let tag: unknown;
  try {
    tag = (value as { [toStringTag]?: unknown })[toStringTag];
  } catch {
    return "";
  }
  if (typeof tag !== "string" || tag === "") return "";
  // A tag that is listed as a property anyway is not said twice.
  const listed = context.showHidden ? ObjectHasOwn(value, toStringTag) : ObjectPropertyIsEnumerable(value, toStringTag);
  return listed ? "" : tag;
}
