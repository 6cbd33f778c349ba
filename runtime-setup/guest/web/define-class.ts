import {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  SafeSymbol,
} from "../../../src/shared/primordials.ts";
import { defineGlobal } from "../core/kernel.ts";

export interface ClassDetails {
  /** How many arguments have to be given: by the method's name, the class's own under "constructor". */
  lengths?: Readonly<Record<string, number>>;
  /** Members that are not enumerated, although they have a name. */
  hidden?: readonly string[];
  /** Static methods that are enumerated. */
  statics?: readonly string[];
}

const { toStringTag } = SafeSymbol;

function setEnumerable(target: object, key: PropertyKey): void {
  ObjectDefineProperty(target, key, { __proto__: null, enumerable: true } as PropertyDescriptor);
}

function setLength(value: object, length: number): void {
  ObjectDefineProperty(value, "length", { __proto__: null, value: length, configurable: true } as PropertyDescriptor);
}

function includes(list: readonly string[] | undefined, name: string): boolean {
  for (let i = 0; list !== undefined && i < list.length; i++) if (list[i] === name) return true;
  return false;
}

/**
 * Gives a class of the web platform what WebIDL says of it: its name, which bundling may have changed, members that are
 * enumerated, the number of arguments that have to be given, and a tag.
 */
export function dressClass(
  name: string,
  value: abstract new (...args: never[]) => object,
  { lengths = {}, hidden, statics = [] }: ClassDetails = {},
): void {
  ObjectDefineProperty(value, "name", { __proto__: null, value: name, configurable: true } as PropertyDescriptor);
  const prototype = value.prototype as object;
  const keys = ReflectOwnKeys(prototype);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (typeof key === "string" && key !== "constructor" && !includes(hidden, key)) setEnumerable(prototype, key);
  }
  for (let i = 0; i < statics.length; i++) setEnumerable(value, statics[i]!);
  const named = ReflectOwnKeys(lengths);
  for (let i = 0; i < named.length; i++) {
    const key = named[i] as string;
    const method =
      key === "constructor"
        ? value
        : ((ObjectGetOwnPropertyDescriptor(prototype, key) ?? ObjectGetOwnPropertyDescriptor(value, key))!
            .value as object);
    setLength(method, lengths[key]!);
  }
  const tag = { __proto__: null, value: name, configurable: true };
  ObjectDefineProperty(prototype, toStringTag, tag as PropertyDescriptor);
}

/** Defines a class of the web platform, with what WebIDL says of it. */
export function defineClass(
  name: string,
  value: abstract new (...args: never[]) => object,
  details: ClassDetails = {},
): void {
  dressClass(name, value, details);
  defineGlobal(name, value);
}

/** Defines a function of the web platform under its own name; unlike classes, those are enumerated. */
export function defineOperation(name: string, value: (...args: never[]) => unknown): void {
  defineGlobal(name, value);
  setEnumerable(globalThis, name);
}
