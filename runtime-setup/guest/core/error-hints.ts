/** What a script most likely meant, for names that are not there. */
import { closestName } from "../../../src/shared/closest-name.ts";
import {
  append,
  ArrayJoin,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ReflectOwnKeys,
  SafeSet,
  StringEndsWith,
  StringIncludes,
  StringSlice,
  StringStartsWith,
} from "../../../src/shared/primordials.ts";

const NOT_DEFINED = " is not defined";
const NOT_CALLABLE = [" is not a function", " is not a constructor"] as const;
/** Longest expression that is looked at, in characters. */
const MAX_EXPRESSION = 200;
/** Most names that are compared with one that is not there. */
const MAX_NAMES = 2000;
/** Longest chain of prototypes that is walked. */
const MAX_PROTOTYPES = 10;
/** Where it is not known what an object is, shorter names than this are like too many others. */
const MIN_UNKNOWN_LENGTH = 4;

/** Classes of this runtime whose objects most scripts use. */
const OWN_CLASSES = ["Conversation", "ChatSession", "ChatStepFactory"] as const;

/** The texts between dots; undefined where something else than names stands there. */
function splitPath(expression: string): string[] | undefined {
  if (expression.length > MAX_EXPRESSION) return undefined;
  const parts: string[] = [];
  let part = "";
  for (let i = 0; i < expression.length; i++) {
    const letter = expression[i]!;
    if (letter === ".") {
      append(parts, part);
      part = "";
    } else part += letter;
  }
  append(parts, part);
  return isName(part) ? parts : undefined;
}

function isName(text: string): boolean {
  if (text === "") return false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!;
    const isWord = letter === "_" || letter === "$" || (letter >= "0" && letter <= "9");
    if (!isWord && !(letter >= "a" && letter <= "z") && !(letter >= "A" && letter <= "Z") && letter < "\u0080")
      return false;
  }
  return true;
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** A property's value without running a getter. */
function valueOf(object: object, key: string): unknown {
  let at: unknown = object;
  for (let depth = 0; isObject(at) && depth < MAX_PROTOTYPES; depth++) {
    const descriptor = ObjectGetOwnPropertyDescriptor(at, key);
    if (descriptor !== undefined) return descriptor.value as unknown;
    at = ObjectGetPrototypeOf(at);
  }
  return undefined;
}

function addNames(names: string[], object: object, known: Set<string>): void {
  let at: unknown = object;
  for (let depth = 0; isObject(at) && depth < MAX_PROTOTYPES; depth++) {
    const keys = ReflectOwnKeys(at);
    for (let i = 0; i < keys.length && names.length < MAX_NAMES; i++) {
      const key = keys[i]!;
      if (typeof key !== "string" || known.has(key) || StringStartsWith(key, "__")) continue;
      known.add(key);
      append(names, key);
    }
    at = ObjectGetPrototypeOf(at);
  }
}

function namesOf(object: object): string[] {
  const names: string[] = [];
  addNames(names, object, new SafeSet());
  return names;
}

/** What the objects can do that scripts get from this runtime without a class of their own. */
const ownNames: string[] = [];
const knownOwnNames = new SafeSet<string>();

/** The methods of this prototype are what a script may mean. */
export function suggestMethodsOf(prototype: object): void {
  addNames(ownNames, prototype, knownOwnNames);
}

/** What the objects of this runtime and of all classes that a script knows by name can do. */
function namesOfInstances(): string[] {
  const names: string[] = [];
  const known = new SafeSet<string>();
  for (let i = 0; i < ownNames.length; i++) {
    known.add(ownNames[i]!);
    append(names, ownNames[i]!);
  }
  const globals = ReflectOwnKeys(globalThis);
  for (let i = 0; i < globals.length; i++) {
    const name = globals[i]!;
    const value = typeof name === "string" ? valueOf(globalThis, name) : undefined;
    const prototype = typeof value === "function" ? valueOf(value, "prototype") : undefined;
    if (isObject(prototype)) addNames(names, prototype, known);
  }
  return names;
}

function startingWith(given: string, names: readonly string[]): string | undefined {
  if (given.length < 3) return undefined;
  for (let i = 0; i < names.length; i++) if (StringStartsWith(names[i]!, given)) return names[i];
  return undefined;
}

/** The object that the names lead to from the globals; undefined where the first is a variable of the script's. */
function find(path: readonly string[]): object | undefined {
  let at: unknown = globalThis;
  for (let i = 0; i < path.length; i++) {
    if (!isObject(at)) return undefined;
    if (!(i === 0 && path[i] === "globalThis")) at = valueOf(at, path[i]!);
  }
  return isObject(at) ? at : undefined;
}

function closeTo(given: string, names: readonly string[]): string | undefined {
  return closestName(given, names) ?? startingWith(given, names);
}

/** A method that is like this one, of what object nobody knows. */
function closeMethod(given: string): string | undefined {
  const known = new SafeSet<string>();
  const methods: string[] = [];
  for (let i = 0; i < OWN_CLASSES.length; i++) {
    const prototype = find([OWN_CLASSES[i]!, "prototype"]);
    if (prototype !== undefined) addNames(methods, prototype, known);
  }
  const own = closeTo(given, ownNames) ?? closestName(given, methods);
  return own !== undefined || given.length < MIN_UNKNOWN_LENGTH ? own : closeTo(given, namesOfInstances());
}

function suggestMember(expression: string): string | undefined {
  const path = splitPath(expression);
  const given = path?.[path.length - 1];
  if (path === undefined || given === undefined) return undefined;
  path.length--;
  const owner = find(path);
  const prototype = typeof owner === "function" ? valueOf(owner, "prototype") : undefined;
  // Asked of the class and not of an object.
  if (isObject(prototype) && valueOf(prototype, given) !== undefined) return `new ${ArrayJoin(path, ".")}().${given}`;
  const close = owner === undefined ? closeMethod(given) : closeTo(given, namesOf(owner));
  if (close === undefined || close === given) return undefined;
  if (StringIncludes(expression, "(intermediate value)")) return close;
  append(path, close);
  return ArrayJoin(path, ".");
}

/** One line that says what may have been meant; undefined for errors that are not about names, or like no other. */
export function suggestName(name: string, message: string): string | undefined {
  let meant: string | undefined;
  if (name === "ReferenceError" && StringEndsWith(message, NOT_DEFINED)) {
    meant = closestName(StringSlice(message, 0, -NOT_DEFINED.length), namesOf(globalThis));
  }
  for (let i = 0; name === "TypeError" && i < NOT_CALLABLE.length; i++) {
    const end = NOT_CALLABLE[i]!;
    if (StringEndsWith(message, end)) meant = suggestMember(StringSlice(message, 0, -end.length));
  }
  return meant === undefined ? undefined : `did you mean ${meant}?`;
}
