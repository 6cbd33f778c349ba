/** Which kind of object a value is, and what stands around its properties for that. */
import {
  append,
  DateGetTime,
  DateToISOString,
  isArray,
  SafeString,
  StringToLowerCase,
  typedArrayName,
  uncurryMethod,
} from "../../../src/shared/primordials.ts";
import * as brands from "./brands.ts";
import {
  formatArray,
  formatBufferContents,
  formatMap,
  formatSet,
  formatTypedArray,
  typedArrayLength,
} from "./collections.ts";
import { type Context, plain } from "./context.ts";
import { formatError } from "./error-text.ts";
import type { Extras } from "./layout.ts";
import { functionBase, plainPrefix, prefix } from "./names.ts";
import { formatNumber, formatPrimitive } from "./primitive.ts";
import { extraKeys, formatProperty, shownKeys } from "./properties.ts";

/** How one kind of object is shown: the words before, the braces, the entries and the keys after them. */
export interface Shape {
  base: string;
  braces: [string, string];
  keys: PropertyKey[];
  extras: Extras;
  entries?: (context: Context, value: never, depth: number) => string[];
  /** Names of inherited accessors that are shown in brackets. */
  accessors?: readonly string[];
  /** The whole text when there are no keys. */
  bare?: string;
}

/** The shape of an array, set, map or typed array. */
export function iterableShape(
  context: Context,
  value: object,
  constructor: string | null,
  tag: string,
): Shape | undefined {
  const { showHidden } = context;
  if (isArray(value)) {
    const { length } = value;
    const name = constructor === "Array" && tag === "" ? "" : prefix(constructor, tag, "Array", `(${length})`);
    const shape: Shape = {
      base: "",
      braces: [`${name}[`, "]"],
      keys: extraKeys(value, length, showHidden),
      extras: "array-extras",
      entries: formatArray,
    };
    if (length === 0) shape.bare = `${name}[]`;
    return shape;
  }
  if (brands.isSet(value) || brands.isMap(value)) {
    const isMap = brands.isMap(value);
    const size = isMap ? brands.mapSize(value) : brands.setSize(value);
    const name = prefix(constructor, tag, isMap ? "Map" : "Set", `(${size})`);
    const keys = shownKeys(value, showHidden);
    const shape: Shape = {
      base: "",
      braces: [`${name}{`, "}"],
      keys,
      extras: "object",
      entries: isMap ? formatMap : formatSet,
    };
    if (size === 0) shape.bare = `${name}{}`;
    return shape;
  }
  const typed = typedArrayName(value);
  if (typed === undefined) return undefined;
  const length = typedArrayLength(value);
  const name = prefix(constructor, tag, typed, `(${length})`);
  const shape: Shape = {
    base: "",
    braces: [`${name}[`, "]"],
    keys: extraKeys(value, length, showHidden),
    extras: "array-extras",
    entries: formatTypedArray,
  };
  if (showHidden) shape.accessors = ["BYTES_PER_ELEMENT", "length", "byteLength", "byteOffset", "buffer"];
  else if (length === 0) shape.bare = `${name}[]`;
  return shape;
}

const DateToString: (date: unknown) => string = uncurryMethod(Date.prototype.toString);

/** The shape of everything else. */
export function objectShape(
  context: Context,
  value: object,
  constructor: string | null,
  tag: string,
  typedArray: boolean | undefined,
): Shape {
  const keys = shownKeys(value, context.showHidden);
  const shape: Shape = { base: "", braces: ["{", "}"], keys, extras: "object" };
  const based = (base: string): Shape => {
    shape.base = base;
    shape.bare = base;
    return shape;
  };
  const open = (text: string): Shape => {
    shape.braces[0] = `${text}{`;
    return shape;
  };
  const named = (name: string): string => {
    const words = prefix(constructor, tag, name);
    return words === `${name} ` ? "" : words;
  };
  if (typeof value === "function") {
    const base = functionBase(context, value, constructor, tag);
    shape.base = base;
    shape.bare = context.stylize(base, "special");
    return shape;
  }
  if (constructor === "Object") {
    if (brands.isArguments(value)) open("[Arguments] ");
    else if (tag !== "") open(prefix(constructor, tag, "Object"));
    shape.bare = `${shape.braces[0]}}`;
    return shape;
  }
  if (brands.isRegExp(value)) {
    const { source, flags } = brands.regexpParts(value);
    return based(context.stylize(`${named("RegExp")}/${source}/${flags}`, "regexp"));
  }
  if (brands.isDate(value)) {
    const time = DateGetTime(value);
    const base = `${named("Date")}${time === time ? DateToISOString(value) : DateToString(value)}`;
    shape.base = base;
    shape.bare = context.stylize(base, "date");
    return shape;
  }
  if (brands.isError(value)) return based(formatError(context, value, constructor, tag, keys));
  if (brands.isArrayBuffer(value)) {
    const name = prefix(constructor, tag, "ArrayBuffer");
    if (typedArray === undefined) shape.entries = (inner, buffer) => [formatBufferContents(inner, buffer)];
    else
      shape.bare = `${name}{ [byteLength]: ${formatNumber(context.stylize, brands.bufferByteLength(value), false)} }`;
    shape.accessors = ["byteLength"];
    return open(name);
  }
  if (brands.isDataView(value)) {
    shape.accessors = ["byteLength", "byteOffset", "buffer"];
    return open(prefix(constructor, tag, "DataView"));
  }
  if (brands.isWeakSet(value) || brands.isWeakMap(value)) {
    shape.entries = () => [context.stylize("<items unknown>", "special")];
    return open(prefix(constructor, tag, brands.isWeakSet(value) ? "WeakSet" : "WeakMap"));
  }
  if (brands.isModuleNamespace(value)) {
    shape.entries = (inner, namespace, depth) => formatNamespace(inner, namespace, depth, keys);
    return open(prefix(constructor, tag, "Module"));
  }
  const boxed = boxedBase(context, value, constructor, tag, keys);
  if (boxed !== undefined) return based(boxed);
  const name = plainPrefix(value, constructor, tag);
  shape.bare = `${name}{}`;
  return open(name);
}

function boxedBase(
  context: Context,
  value: object,
  constructor: string | null,
  tag: string,
  keys: PropertyKey[],
): string | undefined {
  const box = unbox(value);
  if (box === undefined) return undefined;
  const { type, inner } = box;
  if (typeof inner === "string") {
    // The characters are keys too.
    for (let i = inner.length; i < keys.length; i++) keys[i - inner.length] = keys[i]!;
    keys.length -= inner.length;
  }
  let base = `[${type}`;
  if (type !== constructor) base += constructor === null ? " (null prototype)" : ` (${constructor})`;
  base += `: ${formatPrimitive(plain, inner, context)}]`;
  if (tag !== "" && tag !== constructor) base += ` [${tag}]`;
  if (keys.length !== 0) return base;
  return context.stylize(base, StringToLowerCase(type) as "number");
}

function unbox(value: object): { type: string; inner: unknown } | undefined {
  if (brands.isNumberObject(value)) return { type: "Number", inner: brands.numberValue(value) };
  if (brands.isStringObject(value)) return { type: "String", inner: brands.stringValue(value) };
  if (brands.isBooleanObject(value)) return { type: "Boolean", inner: brands.booleanValue(value) };
  if (brands.isBigIntObject(value)) return { type: "BigInt", inner: brands.bigintValue(value) };
  if (brands.isSymbolObject(value)) return { type: "Symbol", inner: brands.symbolValue(value) };
  return undefined;
}

/** A module's exports; one that is not initialised yet cannot be read. */
function formatNamespace(context: Context, value: object, depth: number, keys: PropertyKey[]): string[] {
  const output: string[] = [];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    try {
      append(output, formatProperty(context, value, depth, key, "object"));
    } catch {
      append(output, `${SafeString(key)}: ${context.stylize("<uninitialized>", "special")}`);
    }
  }
  keys.length = 0;
  return output;
}
