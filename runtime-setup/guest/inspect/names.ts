/** What an object is called: its constructor's name, its tag, and the words that Node puts around them. */
import {
  FunctionToString,
  isArray,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  SafeString,
  StringEndsWith,
  StringIncludes,
  StringLastIndexOf,
  StringSlice,
  StringStartsWith,
  typedArrayName,
} from "../../../src/shared/primordials.ts";
import {
  functionKind,
  isArrayBuffer,
  isDataView,
  isDate,
  isError,
  isMap,
  isModuleNamespace,
  isRegExp,
  isSet,
  isWeakMap,
  isWeakSet,
} from "./brands.ts";
import type { Context } from "./context.ts";

const BUILT_INS =
  "Object Function Array Number Boolean String Symbol BigInt Date Promise RegExp Error AggregateError EvalError " +
  "RangeError ReferenceError SyntaxError TypeError URIError SuppressedError ArrayBuffer Uint8Array Int8Array " +
  "Uint16Array Int16Array Uint32Array Int32Array Float32Array Float64Array Uint8ClampedArray BigUint64Array " +
  "BigInt64Array DataView Map Set WeakMap WeakSet Proxy Iterator Intl ";

/** Is this the name of a class of the language itself? */
export function isBuiltInName(name: unknown): boolean {
  return typeof name === "string" && !StringIncludes(name, " ") && StringIncludes(` ${BUILT_INS}`, ` ${name} `);
}

function isInstance(value: object, constructor: unknown): boolean {
  try {
    return value instanceof (constructor as new () => object);
  } catch {
    return false;
  }
}

/** The class that the internal slots tell, for an object whose prototype tells none. */
function slotName(value: object): string {
  if (isArray(value)) return "Array";
  if (typeof value === "function") return functionKind(value);
  if (isMap(value)) return "Map";
  if (isSet(value)) return "Set";
  if (isDate(value)) return "Date";
  if (isRegExp(value)) return "RegExp";
  if (isError(value)) return "Error";
  if (isArrayBuffer(value)) return "ArrayBuffer";
  if (isDataView(value)) return "DataView";
  if (isWeakMap(value)) return "WeakMap";
  if (isWeakSet(value)) return "WeakSet";
  if (isModuleNamespace(value)) return "Module";
  return typedArrayName(value) ?? "Object";
}

/** Called with the prototype whose constructor gave the name, to list what the prototypes above it add. */
type OnNamed = (first: object, isFirst: boolean, name: string) => void;

/** The name of the constructor that the prototype chain tells; null for an object without a prototype. */
export function constructorName(value: object, context: Context, depth: number, onNamed?: OnNamed): string | null {
  let first: object | null | undefined;
  for (let at: object | null = value; at !== null;) {
    const constructor: unknown = ObjectGetOwnPropertyDescriptor(at, "constructor")?.value;
    if (typeof constructor === "function" && constructor.name !== "" && isInstance(value, constructor)) {
      const name = SafeString(constructor.name);
      onNamed?.(first ?? value, first === at, name);
      return name;
    }
    at = ObjectGetPrototypeOf(at) as object | null;
    if (first === undefined) first = at;
  }
  if (first === null || first === undefined) return null;
  const own = slotName(value);
  if (context.depth !== null && depth > context.depth) return `${own} <Complex prototype>`;
  const outer = constructorName(first, context, depth + 1);
  if (outer !== null) return `${own} <${outer}>`;
  return `${own} <${prefix(null, "", slotName(first))}{}>`;
}

/** The words before the opening brace, with a space at the end. */
export function prefix(constructor: string | null, tag: string, fallback: string, size: string = ""): string {
  if (constructor === null) {
    const note = tag !== "" && fallback !== tag ? `[${tag}] ` : "";
    return `[${fallback}${size}: null prototype] ${note}`;
  }
  if (tag === "") return `${constructor}${size} `;
  const dot = StringLastIndexOf(tag, ".");
  if (constructor === (dot >= 1 ? StringSlice(tag, dot + 1) : tag)) return `${tag}${size} `;
  return `${constructor}${size} [${tag}] `;
}

/** The prefix of an ordinary object. */
export function plainPrefix(value: object, constructor: string | null, tag: string): string {
  let fallback = "";
  if (constructor === null) {
    fallback = slotName(value);
    if (fallback === tag) fallback = "Object";
  }
  return prefix(constructor, tag, fallback);
}

function isClass(value: object): boolean {
  const source = FunctionToString(value);
  if (!StringStartsWith(source, "class") || !StringEndsWith(source, "}")) return false;
  const next = source[5];
  return next === " " || next === "{" || next === "\n" || next === "\t" || next === "\r" || next === "/";
}

/** `[Function: name]`, `[class Name extends Base]`. */
export function functionBase(context: Context, value: object, constructor: string | null, tag: string): string {
  const named = value as { name?: unknown };
  const tagged = tag !== "" && constructor !== tag ? ` [${tag}]` : "";
  if (isClass(value)) {
    const name = ObjectHasOwn(value, "name") && named.name ? SafeString(named.name) : "(anonymous)";
    const kind = constructor !== "Function" && constructor !== null ? ` [${constructor}]` : "";
    if (constructor === null) return `[class ${name}${tagged} extends [null prototype]]`;
    const base = (ObjectGetPrototypeOf(value) as { name?: unknown }).name;
    return `[class ${name}${kind}${tagged}${base ? ` extends ${SafeString(base)}` : ""}]`;
  }
  const kind = functionKind(value);
  const nullish = constructor === null ? " (null prototype)" : "";
  const { name } = named;
  const shown = typeof name === "string" ? name : context.format(context, name, 0);
  const title = name === "" ? " (anonymous)" : `: ${shown}`;
  const other = constructor !== kind && constructor !== null ? ` ${constructor}` : "";
  return `[${kind}${nullish}${title}]${other}${tagged}`;
}
