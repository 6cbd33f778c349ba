import { GeppettoError } from "../shared/errors.ts";
import { TYPED_ARRAYS } from "../shared/values/typed-arrays.ts";

/** The key under which a value that JSON has no form for names its type. */
const TAG = "$type";

type ArrayName = keyof typeof TYPED_ARRAYS;

/**
 * A value as JSON can hold it. Dates, maps, sets, big integers, vectors, undefined in lists, NaN and infinities keep
 * their type.
 *
 * @throws {GeppettoError} ValidationError for functions, symbols and circles.
 */
export function toTagged(value: unknown): unknown {
  return tag(value, false, new Set());
}

/** `way` holds the objects around the value. */
function tag(value: unknown, sorted: boolean, way: Set<object>): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { [TAG]: "number", value: Object.is(value, -0) ? "-0" : String(value) };
    case "bigint":
      return { [TAG]: "bigint", value: String(value) };
    case "undefined":
      return { [TAG]: "undefined" };
    case "object":
      break;
    default:
      throw unfit(`it holds a ${typeof value}`);
  }
  if (value === null) return null;
  if (way.has(value)) throw unfit("it refers to itself");
  way.add(value);
  const form = tagObject(value, sorted, way);
  way.delete(value);
  return form;
}

function tagObject(value: object, sorted: boolean, way: Set<object>): unknown {
  if (Array.isArray(value)) return value.map((entry) => tag(entry, sorted, way));
  if (value instanceof Date) return { [TAG]: "Date", value: Number.isNaN(value.getTime()) ? "" : value.toISOString() };
  if (value instanceof Map) return { [TAG]: "Map", value: [...value].map((entry) => tag(entry, sorted, way)) };
  if (value instanceof Set) return { [TAG]: "Set", value: [...value].map((entry) => tag(entry, sorted, way)) };
  if (value instanceof ArrayBuffer) return { [TAG]: "ArrayBuffer", value: Buffer.from(value).toString("base64") };
  const name = (Object.keys(TYPED_ARRAYS) as ArrayName[]).find((candidate) => value instanceof TYPED_ARRAYS[candidate]);
  if (name !== undefined) return { [TAG]: name, value: bytesOf(value as Uint8Array).toString("base64") };
  const keys = Object.keys(value);
  if (sorted) keys.sort();
  const entries: [string, unknown][] = [];
  for (const key of keys) {
    const entry = (value as Record<string, unknown>)[key];
    if (entry !== undefined) entries.push([key, tag(entry, sorted, way)]);
  }
  const plain = Object.fromEntries(entries);
  return Object.hasOwn(plain, TAG) ? { [TAG]: "object", value: entries } : plain;
}

/** What {@link toTagged} was given. Throws for forms that it does not make. */
export function fromTagged(form: unknown): unknown {
  if (Array.isArray(form)) return form.map(fromTagged);
  if (typeof form !== "object" || form === null) return form;
  if (!Object.hasOwn(form, TAG))
    return Object.fromEntries(Object.entries(form).map(([key, entry]) => [key, fromTagged(entry)]));
  const { [TAG]: type, value } = form as { [TAG]: unknown; value?: unknown };
  switch (type) {
    case "number":
      return Number(value);
    case "bigint":
      return BigInt(value as string);
    case "undefined":
      return undefined;
    case "Date":
      return new Date(value === "" ? NaN : (value as string));
    case "Map":
      return new Map((value as unknown[]).map(fromTagged) as [unknown, unknown][]);
    case "Set":
      return new Set((value as unknown[]).map(fromTagged));
    case "object":
      return Object.fromEntries((value as [string, unknown][]).map(([key, entry]) => [key, fromTagged(entry)]));
    case "ArrayBuffer":
      return new Uint8Array(Buffer.from(value as string, "base64")).buffer;
    default: {
      if (typeof type !== "string" || !Object.hasOwn(TYPED_ARRAYS, type))
        throw unfit(`it holds an unknown type ${JSON.stringify(type)}`);
      const bytes = new Uint8Array(Buffer.from(value as string, "base64"));
      return new TYPED_ARRAYS[type as ArrayName](bytes.buffer);
    }
  }
}

/** The one text for equal values: as {@link toTagged}, with the keys of objects in order of their names. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(tag(value, true, new Set()));
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function unfit(why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot record a value: ${why}`);
}
