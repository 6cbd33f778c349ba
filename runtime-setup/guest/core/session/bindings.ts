import type { SessionNameKind } from "../../../../src/shared/contract/sessions.ts";
import {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  SafeMap,
  SafeReferenceError,
  SafeTypeError,
  SafeWeakMap,
  StringIndexOf,
  StringSlice,
} from "../../../../src/shared/primordials.ts";

type Getter = () => unknown;

/**
 * What a session declares lives on the global object: there all that runs later sees it, and what declares it again takes
 * its place, for functions that were made before, too. A name that has no value yet, and a constant, are accessors.
 */
const global = globalThis as object;

/** The getters of ours, with what reads the value: none where there is none yet. */
const readers = new SafeWeakMap<object, Getter>();
/** The names that have no value yet, with what they were before. */
const unset = new SafeMap<string, PropertyDescriptor | undefined>();
const declared = new SafeMap<string, true>();

/** Makes room for what the code declares, as in a plan. @throws {TypeError} where a script has closed the global object. */
export function declareNames(names: string): void {
  let start = 0;
  for (let end = StringIndexOf(names, "\n"); end >= 0; end = StringIndexOf(names, "\n", start)) {
    const space = StringIndexOf(names, " ", start);
    declareName(StringSlice(names, space + 1, end), StringSlice(names, start, space) as SessionNameKind);
    start = end + 1;
  }
}

function declareName(name: string, kind: SessionNameKind): void {
  declared.set(name, true);
  const before = ObjectGetOwnPropertyDescriptor(global, name);
  switch (kind) {
    case "let":
    case "const":
    case "class":
      awaitValue(name, kind === "const", before);
      break;
    case "undefined":
      defineVariable(name, undefined, false);
      break;
    case "function":
      // The code itself defines it.
      if (isOwn(before)) defineVariable(name, undefined, true);
      break;
    case "var":
      if (before === undefined) defineVariable(name, undefined, true);
      else if (isOwn(before)) defineVariable(name, readOwn(before), true);
  }
}

/** Binds names to what is read of them each time, as imports are. */
export function bindReaders(names: readonly string[], read: (name: string) => unknown): void {
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    declared.set(name, true);
    defineConstant(name, () => read(name));
  }
}

/** The code is over: a name that it has given no value is what it was before. */
export function restoreUnset(): void {
  unset.forEach((before, name) => {
    try {
      if (before === undefined) delete (global as Record<string, unknown>)[name];
      else ObjectDefineProperty(global, name, { __proto__: null, ...before } as PropertyDescriptor);
    } catch {
      // The script has closed the global object.
    }
  });
  unset.clear();
}

/** Takes all names away that were declared. */
export function forgetNames(): void {
  restoreUnset();
  declared.forEach((_, name) => {
    try {
      delete (global as Record<string, unknown>)[name];
    } catch {
      // The script has made it one that stays.
    }
  });
  declared.clear();
}

/** The value of a global without running a getter of a script's; undefined where there is none to be had so. */
export function readBinding(descriptor: PropertyDescriptor): unknown {
  return isOwn(descriptor) ? readOwn(descriptor) : descriptor.value;
}

function isOwn(descriptor: PropertyDescriptor | undefined): descriptor is PropertyDescriptor & { get: Getter } {
  return descriptor?.get !== undefined && readers.has(descriptor.get);
}

function readOwn({ get }: { get: Getter }): unknown {
  const read = readers.get(get);
  try {
    return read?.();
  } catch {
    return undefined;
  }
}

/** The name can be read when it has been given a value, which is what the code does in place of its declaration. */
function awaitValue(name: string, isConstant: boolean, before: PropertyDescriptor | undefined): void {
  const get = (): never => {
    throw new SafeReferenceError(`Cannot access '${name}' before initialization`);
  };
  const set = (value: unknown): void => {
    unset.delete(name);
    if (isConstant) defineConstant(name, () => value);
    else defineVariable(name, value, false);
  };
  readers.set(get, () => undefined);
  define(name, { get, set, enumerable: false, configurable: true });
  if (!unset.has(name)) unset.set(name, before);
}

function defineConstant(name: string, read: Getter): void {
  const get = (): unknown => read();
  const set = (): never => {
    throw new SafeTypeError("Assignment to constant variable.");
  };
  readers.set(get, read);
  define(name, { get, set, enumerable: false, configurable: true });
}

function defineVariable(name: string, value: unknown, enumerable: boolean): void {
  define(name, { value, writable: true, enumerable, configurable: true });
}

function define(name: string, descriptor: PropertyDescriptor): void {
  ObjectDefineProperty(global, name, { __proto__: null, ...descriptor } as PropertyDescriptor);
}
