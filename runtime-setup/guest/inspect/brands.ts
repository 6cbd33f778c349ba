/**
 * What a value is, decided by its internal slots: neither its prototype nor its `Symbol.toStringTag` counts, and no
 * code of the script's runs. Promises have no such test without side effects, hence none here.
 */
import {
  isArray,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  ObjectToString,
  SafeError,
  SafeSymbol,
  uncurryGetter,
  uncurryMethod,
  WeakMapGet,
} from "../../../src/shared/primordials.ts";

/** Does this method accept the value as its receiver? */
function accepts(method: (receiver: unknown) => unknown): (value: unknown) => boolean {
  return (value) => {
    try {
      method(value);
      return true;
    } catch {
      return false;
    }
  };
}

export const mapSize = uncurryGetter(Map.prototype, "size") as (map: unknown) => number;
export const setSize = uncurryGetter(Set.prototype, "size") as (set: unknown) => number;
export const numberValue: (boxed: unknown) => number = uncurryMethod(Number.prototype.valueOf);
export const stringValue: (boxed: unknown) => string = uncurryMethod(String.prototype.valueOf);
export const booleanValue: (boxed: unknown) => boolean = uncurryMethod(Boolean.prototype.valueOf);
export const bigintValue: (boxed: unknown) => bigint = uncurryMethod(BigInt.prototype.valueOf);
export const symbolValue: (boxed: unknown) => symbol = uncurryMethod(Symbol.prototype.valueOf);
export const symbolToString: (symbol: unknown) => string = uncurryMethod(Symbol.prototype.toString);
export const bufferByteLength = uncurryGetter(ArrayBuffer.prototype, "byteLength") as (buffer: unknown) => number;

const weakSetHas: (set: unknown, key: object) => boolean = uncurryMethod(WeakSet.prototype.has);
const probe = {};

export const isMap: (value: unknown) => boolean = accepts(mapSize);
export const isSet: (value: unknown) => boolean = accepts(setSize);
export const isDate: (value: unknown) => boolean = accepts(uncurryMethod(Date.prototype.getTime));
export const isWeakMap: (value: unknown) => boolean = accepts((value) => WeakMapGet(value, probe));
export const isWeakSet: (value: unknown) => boolean = accepts((value) => weakSetHas(value, probe));
export const isArrayBuffer: (value: unknown) => boolean = accepts(bufferByteLength);
export const isDataView: (value: unknown) => boolean = accepts(uncurryGetter(DataView.prototype, "buffer"));
export const isNumberObject: (value: unknown) => boolean = accepts(numberValue);
export const isStringObject: (value: unknown) => boolean = accepts(stringValue);
export const isBooleanObject: (value: unknown) => boolean = accepts(booleanValue);
export const isBigIntObject: (value: unknown) => boolean = accepts(bigintValue);
export const isSymbolObject: (value: unknown) => boolean = accepts(symbolValue);

const regexpSource = uncurryGetter(RegExp.prototype, "source") as (regexp: unknown) => string;
const hasRegExpSlots = accepts(regexpSource);
const RegExpPrototype = RegExp.prototype;
const FLAGS = [
  ["d", uncurryGetter(RegExp.prototype, "hasIndices")],
  ["g", uncurryGetter(RegExp.prototype, "global")],
  ["i", uncurryGetter(RegExp.prototype, "ignoreCase")],
  ["m", uncurryGetter(RegExp.prototype, "multiline")],
  ["s", uncurryGetter(RegExp.prototype, "dotAll")],
  ["u", uncurryGetter(RegExp.prototype, "unicode")],
  ["v", uncurryGetter(RegExp.prototype, "unicodeSets")],
  ["y", uncurryGetter(RegExp.prototype, "sticky")],
] as const;

export function isRegExp(value: unknown): boolean {
  return value !== RegExpPrototype && hasRegExpSlots(value);
}

/** The source and the flags of a regular expression, as its constructor takes them. */
export function regexpParts(value: unknown): { source: string; flags: string } {
  let flags = "";
  for (let i = 0; i < FLAGS.length; i++) {
    const flag = FLAGS[i]!;
    if (flag[1](value) === true) flags += flag[0];
  }
  return { source: regexpSource(value), flags };
}

const ErrorIsError = (Error as { isError?: (value: unknown) => boolean }).isError;

export function isError(value: unknown): value is Error {
  return (ErrorIsError !== undefined && ErrorIsError(value)) || value instanceof SafeError;
}

/** Array.isArray looks through a proxy, and throws when that proxy is revoked. Nothing else does. */
export function isRevokedProxy(value: unknown): boolean {
  try {
    isArray(value);
    return false;
  } catch {
    return true;
  }
}

const { toStringTag } = SafeSymbol;

export function isArguments(value: object): boolean {
  return !(toStringTag in value) && ObjectToString(value) === "[object Arguments]";
}

export function isModuleNamespace(value: object): boolean {
  return (
    ObjectGetPrototypeOf(value) === null &&
    ObjectHasOwn(value, toStringTag) &&
    (value as { [toStringTag]?: unknown })[toStringTag] === "Module"
  );
}

const AsyncFunctionPrototype = ObjectGetPrototypeOf(async function () {}) as object;
const GeneratorFunctionPrototype = ObjectGetPrototypeOf(function* () {}) as object;
const AsyncGeneratorFunctionPrototype = ObjectGetPrototypeOf(async function* () {}) as object;

/** "Function", "AsyncFunction", "GeneratorFunction" or "AsyncGeneratorFunction". */
export function functionKind(value: object): string {
  for (let proto: unknown = value; proto !== null; proto = ObjectGetPrototypeOf(proto)) {
    if (proto === AsyncFunctionPrototype) return "AsyncFunction";
    if (proto === GeneratorFunctionPrototype) return "GeneratorFunction";
    if (proto === AsyncGeneratorFunctionPrototype) return "AsyncGeneratorFunction";
  }
  return "Function";
}
