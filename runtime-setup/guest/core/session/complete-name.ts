import {
  append,
  isArray,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetOwnPropertyNames,
  ObjectGetPrototypeOf,
  SafeSet,
  StringCharCodeAt,
  StringStartsWith,
  typedArrayName,
} from "../../../../src/shared/primordials.ts";
import { readBinding } from "./bindings.ts";
import { isKnownProxy } from "./known-proxies.ts";

/** Most names that are offered, and that are looked at. */
const MAX_OFFERED = 500;
const MAX_LOOKED_AT = 20_000;
/** Longest chain of prototypes that is followed. */
const MAX_PROTOTYPES = 20;

/** What the names of our own begin with, which no user writes. */
const HIDDEN = "geppetto";

/** The prototypes of primitive values, as they were before any script ran. */
const PROTOTYPES: Readonly<Record<string, object>> = {
  __proto__: null as unknown as object,
  string: String.prototype,
  number: Number.prototype,
  boolean: Boolean.prototype,
  bigint: BigInt.prototype,
  symbol: Symbol.prototype,
};

/**
 * The names that begin so of the members of what the path leads to; without a path, of globals. No getter is run, and no
 * trap of a proxy: behind these nothing is offered.
 */
export function completeName(path: readonly string[], prefix: string): string[] {
  let target: object | undefined = globalThis;
  for (let i = 0; i < path.length && target !== undefined; i++) target = objectFor(readMember(target, path[i]!));
  return target === undefined ? [] : namesIn(target, prefix);
}

/** What has the members of this value. */
function objectFor(value: unknown): object | undefined {
  if (value === null) return undefined;
  if (typeof value === "object" || typeof value === "function") return value;
  return PROTOTYPES[typeof value];
}

function readMember(target: object, name: string): unknown {
  let holder: object | null = target;
  for (let depth = 0; holder !== null && depth < MAX_PROTOTYPES; depth++) {
    if (isKnownProxy(holder)) return undefined;
    const found = ObjectGetOwnPropertyDescriptor(holder, name);
    if (found !== undefined) return readBinding(found);
    holder = ObjectGetPrototypeOf(holder) as object | null;
  }
  return undefined;
}

function namesIn(target: object, prefix: string): string[] {
  const seen = new SafeSet<string>();
  const names: string[] = [];
  let left = MAX_LOOKED_AT;
  let holder: object | null = target;
  for (let depth = 0; holder !== null && depth < MAX_PROTOTYPES; depth++) {
    if (isKnownProxy(holder)) break;
    const own = isLong(holder, left) ? [] : ObjectGetOwnPropertyNames(holder);
    for (let i = 0; i < own.length && left > 0 && names.length < MAX_OFFERED; i++, left--) {
      const name = own[i]!;
      if (StringStartsWith(name, HIDDEN) || !StringStartsWith(name, prefix) || seen.has(name) || !isIdentifier(name))
        continue;
      seen.add(name);
      append(names, name);
    }
    holder = ObjectGetPrototypeOf(holder) as object | null;
  }
  return names;
}

/** An array of millions would have as many names. */
function isLong(holder: object, most: number): boolean {
  if (typedArrayName(holder) !== undefined) return true;
  return isArray(holder) && (ObjectGetOwnPropertyDescriptor(holder, "length")?.value as number) > most;
}

function isIdentifier(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = StringCharCodeAt(name, i);
    const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code === 36;
    if (!isLetter && !(i > 0 && code >= 48 && code <= 57)) return false;
  }
  return name !== "";
}
