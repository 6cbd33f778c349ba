/** How objects without a walk of their own are copied: a plan is made while reading, and run when the copy is built. */
import {
  DateGetTime,
  FunctionToString,
  ObjectDefineProperty,
  ObjectGetPrototypeOf,
  ObjectToString,
  SafeDate,
  SafeObject,
  SafePromise,
  SafeRegExp,
} from "../../../src/shared/primordials.ts";
import {
  bigintValue,
  booleanValue,
  isArguments,
  isBigIntObject,
  isBooleanObject,
  isDate,
  isNumberObject,
  isRegExp,
  isStringObject,
  isSymbolObject,
  isWeakMap,
  isWeakSet,
  numberValue,
  regexpParts,
  stringValue,
  symbolToString,
} from "../inspect/brands.ts";
import { DOMException } from "./dom-exception.ts";
import { eventState } from "./event.ts";
import { isEventTarget } from "./event-target.ts";
import { isSearchParams } from "./url/search-params.ts";
import { isUrl } from "./url/url.ts";

/** Makes the copy, once everything has been read. */
export type Build = () => unknown;

export function cloneError(what: string): DOMException {
  return new DOMException(`${what} could not be cloned.`, "DataCloneError");
}

export function define(target: object, key: PropertyKey, value: unknown, enumerable: boolean = true): void {
  const descriptor = { __proto__: null, value, writable: true, enumerable, configurable: true };
  ObjectDefineProperty(target, key, descriptor as PropertyDescriptor);
}

const HIDDEN_STATE: readonly unknown[] = [
  ObjectGetPrototypeOf(ObjectGetPrototypeOf((function* () {})())),
  ObjectGetPrototypeOf(ObjectGetPrototypeOf((async function* () {})())),
  ObjectGetPrototypeOf(new Map().keys()),
  ObjectGetPrototypeOf(new Set().keys()),
  ObjectGetPrototypeOf([].keys()),
];

function isPlatformObject(value: object): boolean {
  return isEventTarget(value) || eventState(value) !== undefined || isUrl(value) || isSearchParams(value);
}

/** Does the object hold more than its properties tell, so that a copy would not be one? */
function hasHiddenState(value: object): boolean {
  for (let at = ObjectGetPrototypeOf(value) as unknown; at !== null; at = ObjectGetPrototypeOf(at)) {
    for (let i = 0; i < HIDDEN_STATE.length; i++) if (HIDDEN_STATE[i] === at) return true;
  }
  return false;
}

/** @throws {DOMException} DataCloneError for what cannot be cloned at all */
export function refuseUncloneable(value: unknown): void {
  if (typeof value === "symbol") throw cloneError(symbolToString(value));
  if (typeof value === "function") throw cloneError(FunctionToString(value));
  if (typeof value !== "object" || value === null) return;
  if (isPlatformObject(value)) {
    throw new DOMException("Cannot clone object of unsupported type.", "DataCloneError");
  }
  if (value instanceof SafePromise) throw cloneError("#<Promise>");
  if (isWeakMap(value)) throw cloneError("#<WeakMap>");
  if (isWeakSet(value)) throw cloneError("#<WeakSet>");
  if (isSymbolObject(value)) throw cloneError("#<Symbol>");
  if (isArguments(value)) throw cloneError("#<Object>");
  if (hasHiddenState(value)) throw cloneError(ObjectToString(value));
}

/** The plan for a Date, a RegExp or a boxed primitive; undefined for everything else. */
export function planLeaf(value: object): Build | undefined {
  if (isDate(value)) {
    const time = DateGetTime(value);
    return () => new SafeDate(time);
  }
  if (isRegExp(value)) {
    const { source, flags } = regexpParts(value);
    return () => new SafeRegExp(source, flags);
  }
  let inner: unknown;
  if (isNumberObject(value)) inner = numberValue(value);
  else if (isStringObject(value)) inner = stringValue(value);
  else if (isBooleanObject(value)) inner = booleanValue(value);
  else if (isBigIntObject(value)) inner = bigintValue(value);
  else return undefined;
  return () => SafeObject(inner);
}
