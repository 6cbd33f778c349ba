/** What an error holds beside its message and stack: the errors within it and the properties that a script gave it. */
import { encodeValue } from "../../../src/shared/codec.ts";
import { decodeValue } from "../../../src/shared/decode.ts";
import {
  append,
  defineField,
  isArray,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ReflectOwnKeys,
  StringEndsWith,
  StringIncludes,
  StringSlice,
} from "../../../src/shared/primordials.ts";
import { isError } from "../inspect/brands.ts";
import { inspect } from "../inspect/inspect.ts";
import { isBuiltInName } from "../inspect/names.ts";

/** Most properties of one error that are told. */
const MAX_FIELDS = 50;
/** Longest JSON of one property's copy, in characters. */
const MAX_FIELD_CHARS = 4096;
/** Longest text of all properties together, in characters. */
const MAX_DETAILS_CHARS = 8192;

const SHOWN = { maxStringLength: 1000 };

function clip(text: string, length: number): string {
  return text.length > length ? `${StringSlice(text, 0, length)}…` : text;
}

export interface ErrorDetails {
  /** The errors within, in the order in which the console shows them. */
  inner: readonly unknown[];
  /** Copies of its own properties. */
  fields?: Record<string, unknown>;
  /** The same as the console shows them. */
  details?: string;
  /** The name of its class, where the error's own name does not say it. */
  className?: string;
}

function ownValue(error: object, key: PropertyKey): unknown {
  return ObjectGetOwnPropertyDescriptor(error, key)?.value as unknown;
}

/** The keys under which the error keeps errors of its own: they do not count as plain properties. */
function innerKeys(error: Error): string[] {
  const errors = ownValue(error, "errors");
  if (isArray(errors)) {
    const isListed = ObjectGetOwnPropertyDescriptor(error, "errors")!.enumerable === true;
    for (let i = 0; isListed && i < errors.length; i++) if (!isError(errors[i])) return [];
    return ["errors"];
  }
  const isSuppressed = error.name === "SuppressedError" && "error" in error && "suppressed" in error;
  return isSuppressed ? ["error", "suppressed"] : [];
}

function innerErrors(error: Error, keys: readonly string[]): readonly unknown[] {
  if (keys.length === 1) return ownValue(error, "errors") as unknown[];
  const inner: unknown[] = [];
  for (let i = 0; i < keys.length; i++) append(inner, ownValue(error, keys[i]!));
  return inner;
}

/** The error's own properties that its message, stack, code and cause do not tell already. */
function shownKeys(error: Error, hidden: readonly string[]): PropertyKey[] {
  const shown: PropertyKey[] = [];
  const keys = ReflectOwnKeys(error);
  for (let i = 0; i < keys.length && shown.length < MAX_FIELDS; i++) {
    const key = keys[i]!;
    const { enumerable, value } = ObjectGetOwnPropertyDescriptor(error, key) ?? {};
    const isTold =
      key === "stack" ||
      key === "cause" ||
      ((key === "message" || key === "name" || key === "code") && typeof value === "string");
    if (enumerable !== true || isTold) continue;
    let isInner = false;
    for (let j = 0; j < hidden.length; j++) isInner ||= hidden[j] === key;
    if (!isInner) append(shown, key);
  }
  return shown;
}

/** A copy of the value as plain data; of what cannot be copied, or is too long, the text that the console shows. */
function copyOf(value: unknown): { value: unknown } | undefined {
  if (value === undefined || typeof value === "function" || typeof value === "symbol") return undefined;
  try {
    const text = encodeValue(value, { exotic: "omit" });
    if (text.length <= MAX_FIELD_CHARS) return { value: decodeValue(text) };
  } catch {
    // It refers to itself, for example.
  }
  return { value: clip(typeof value === "string" ? value : inspect(value, SHOWN), MAX_FIELD_CHARS) };
}

function copies(error: Error, keys: readonly PropertyKey[]): Record<string, unknown> | undefined {
  const fields: Record<string, unknown> = {};
  let any = false;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const copied = typeof key === "string" ? copyOf(ownValue(error, key)) : undefined;
    if (copied === undefined) continue;
    defineField(fields, key, copied.value);
    any = true;
  }
  return any ? fields : undefined;
}

function textOf(error: Error, keys: readonly PropertyKey[]): string {
  const shown = {};
  for (let i = 0; i < keys.length; i++) {
    const descriptor = ObjectGetOwnPropertyDescriptor(error, keys[i]!)!;
    ObjectDefineProperty(shown, keys[i]!, { __proto__: null, ...descriptor } as PropertyDescriptor);
  }
  return clip(inspect(shown, SHOWN), MAX_DETAILS_CHARS);
}

/** What `class HttpError extends Error` is called, as the console has it. */
function classNameOf(error: Error): string | undefined {
  for (let at: unknown = ObjectGetPrototypeOf(error); at !== null; at = ObjectGetPrototypeOf(at)) {
    const constructor = ownValue(at as object, "constructor");
    if (typeof constructor !== "function") continue;
    const { name } = constructor as { name: unknown };
    if (typeof name !== "string" || name === "" || isBuiltInName(name)) return undefined;
    const isUsual = StringEndsWith(error.name, "Error") && StringIncludes(name, error.name);
    return isUsual && name !== error.name ? StringSlice(name, 0, 200) : undefined;
  }
  return undefined;
}

/** What there is to tell of this error. May throw, as every look at what a script has made may. */
export function detailsOf(error: Error): ErrorDetails {
  const keys = innerKeys(error);
  const told: ErrorDetails = { inner: innerErrors(error, keys) };
  const className = classNameOf(error);
  if (className !== undefined) told.className = className;
  const shown = shownKeys(error, keys);
  if (shown.length === 0) return told;
  told.details = textOf(error, shown);
  const fields = copies(error, shown);
  if (fields !== undefined) told.fields = fields;
  return told;
}
