import { GeppettoError } from "./errors.ts";
import { MAX_BIGINT_DIGITS, MAX_FRAME_CHARS, MAX_VALUE_DEPTH, READING_COST } from "./frames.ts";
import {
  append,
  ArrayBufferSlice,
  ArrayFill,
  BigIntToString,
  DateGetTime,
  isArray,
  JSONStringify,
  MapForEach,
  NumberIsFinite,
  NumberToString,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  ObjectKeys,
  ReflectApply,
  SafeArray,
  SafeError,
  SafeNumber,
  SetForEach,
  SafeString,
  typedArrayName,
} from "./primordials.ts";
import { TYPED_ARRAYS } from "./typed-arrays.ts";

/**
 * Values cross the wall as JSON in which what JSON lacks is an object with a "$" key that names its kind. An object
 * of the script's that itself has a "$" key travels as `{"$":"object","v":{…}}`. Written with captured intrinsics: no
 * `toJSON` on a poisoned prototype is called for arrays and plain objects, and no setter runs.
 */
export interface EncodeOptions {
  /** Vectors are put here and referred to by index; without it they travel as lists of numbers. */
  buffers?: ArrayBuffer[];
  /** What to do with functions and symbols: refuse them (default), or leave them out as JSON does. */
  exotic?: "refuse" | "omit";
  /**
   * What to do with objects of classes: copy their fields ("copy", the default), which may not be all that they are;
   * copy only what a `toJSON` says ("json"); or refuse them ("refuse"), dates, maps, sets and vectors excepted.
   */
  classes?: "copy" | "json" | "refuse";
}

interface Encoder {
  readonly buffers: ArrayBuffer[] | undefined;
  readonly omitsExotic: boolean;
  readonly classes: "copy" | "json" | "refuse";
  chars: number;
  fields: number;
  /** What is being encoded, the innermost first. */
  within: Within | undefined;
}

interface Within {
  readonly value: object;
  readonly outer: Within | undefined;
}

/** The keys on the way to the value that is being encoded. Filled, so that an assignment never asks for a setter. */
const path: (string | number)[] = new SafeArray<string | number>(MAX_VALUE_DEPTH + 1);
ArrayFill(path, "");

/** Longest path that an error tells in full, in steps. */
const MAX_PLACE = 20;

function refuse(what: string, depth: number): never {
  let place = "";
  for (let i = 0; i < depth; i++) {
    const key = path[i]!;
    if (i === MAX_PLACE) {
      place += "…";
      break;
    }
    place += typeof key === "number" ? `[${key}]` : place === "" ? key : `.${key}`;
  }
  throw new GeppettoError("ValidationError", `Cannot copy ${what}${place === "" ? "" : ` at "${place}"`}`);
}

/**
 * The JSON text of `value`.
 *
 * @throws {GeppettoError} ValidationError that names the place of what cannot be copied, or where the value refers to
 *   itself or is nested more than {@link MAX_VALUE_DEPTH} levels deep; LimitError when the text exceeds {@link MAX_FRAME_CHARS}.
 */
export function encodeValue(value: unknown, { buffers, exotic, classes = "copy" }: EncodeOptions = {}): string {
  const encoder: Encoder = { buffers, omitsExotic: exotic === "omit", classes, chars: 0, fields: 0, within: undefined };
  return encode(value, 0, encoder);
}

function charge(text: string, encoder: Encoder): string {
  encoder.chars += text.length;
  if (encoder.chars > MAX_FRAME_CHARS) refuseSize();
  return text;
}

function chargeCost(cost: number, encoder: Encoder): void {
  encoder.chars += cost;
  if (encoder.chars > MAX_FRAME_CHARS) refuseSize();
}

function refuseSize(): never {
  throw new GeppettoError("LimitError", `Cannot copy a value of more than ${MAX_FRAME_CHARS} characters; send less`, {
    code: "ERR_LIMIT_MESSAGE",
  });
}

function encode(value: unknown, depth: number, encoder: Encoder): string {
  switch (typeof value) {
    case "string":
      if (value.length > MAX_FRAME_CHARS) refuseSize();
      return charge(JSONStringify(value), encoder);
    case "number":
      if (NumberIsFinite(value) && !(value === 0 && 1 / value < 0)) return charge(NumberToString(value), encoder);
      chargeCost(READING_COST.object, encoder);
      return charge(`{"$":"number","v":"${1 / value === -Infinity ? "-0" : SafeString(value)}"}`, encoder);
    case "boolean":
      return charge(value ? "true" : "false", encoder);
    case "undefined":
      chargeCost(READING_COST.object, encoder);
      return charge('{"$":"undefined"}', encoder);
    case "bigint":
      return encodeBigInt(BigIntToString(value), depth, encoder);
    case "object":
      return value === null ? charge("null", encoder) : encodeObject(value, depth, encoder);
    default:
      return refuse(`a ${typeof value}`, depth);
  }
}

function encodeBigInt(digits: string, depth: number, encoder: Encoder): string {
  if (digits.length > MAX_BIGINT_DIGITS) refuse(`a bigint of more than ${MAX_BIGINT_DIGITS} digits`, depth);
  chargeCost(READING_COST.object + digits.length, encoder);
  return charge(`{"$":"bigint","v":"${digits}"}`, encoder);
}

function encodeObject(value: object, depth: number, encoder: Encoder): string {
  const outer = encoder.within;
  for (let at = outer; at !== undefined; at = at.outer) {
    if (at.value === value) refuse("a value that refers to itself", depth);
  }
  if (depth >= MAX_VALUE_DEPTH) refuse(`a value that is nested more than ${MAX_VALUE_DEPTH} levels deep`, depth);
  encoder.within = { value, outer };
  const text = encodeContents(value, depth, encoder);
  encoder.within = outer;
  return text;
}

function encodeContents(value: object, depth: number, encoder: Encoder): string {
  chargeCost(READING_COST.object, encoder);
  if (isArray(value)) return encodeList(value, depth, encoder);
  const prototype: unknown = ObjectGetPrototypeOf(value);
  const isPlain = prototype === PlainPrototype || prototype === null;
  if (!isPlain) {
    const special = encodeSpecial(value, depth, encoder);
    if (special !== undefined) return special;
  }
  const toJSON = encoder.classes === "refuse" ? undefined : jsonMethod(value);
  if (typeof toJSON === "function") {
    const plain: unknown = ReflectApply(toJSON, value, []);
    if (plain !== value) return encode(plain, depth + 1, encoder);
  }
  if (!isPlain && encoder.classes !== "copy") refuse("an object of a class", depth);
  if (value instanceof SafeError) {
    chargeCost(READING_COST.error, encoder);
    return `{"$":"error","v":${encodeRecord(errorFields(value), depth, encoder)}}`;
  }
  return encodeRecord(value as Record<string, unknown>, depth, encoder);
}

/** Typed arrays, dates, maps and sets, told by brand. */
function encodeSpecial(value: object, depth: number, encoder: Encoder): string | undefined {
  const typed = typedArrayName(value);
  if (typed !== undefined) return encodeTyped(value as Float32Array, typed, depth, encoder);
  const time = internal(() => DateGetTime(value));
  if (time !== undefined) return charge(`{"$":"date","v":${NumberIsFinite(time) ? time : "null"}}`, encoder);
  const entries: unknown[] = [];
  if (internal(() => (MapForEach(value, (v: unknown, k: unknown) => append(entries, [k, v])), true)))
    return encodeEntries("map", entries, depth, encoder);
  if (internal(() => (SetForEach(value, (v: unknown) => append(entries, v)), true)))
    return encodeEntries("set", entries, depth, encoder);
  return undefined;
}

const PlainPrototype: unknown = ObjectGetPrototypeOf({});

/**
 * The value's `toJSON`: its own, or its class's. What a script put on the prototype of plain objects or arrays is not
 * the value's.
 */
export function jsonMethod(value: object): unknown {
  const isPlain = isArray(value) || ObjectGetPrototypeOf(value) === PlainPrototype;
  return isPlain && !ObjectHasOwn(value, "toJSON") ? undefined : (value as { toJSON?: unknown }).toJSON;
}

/** Runs a method that throws on a foreign receiver: the one reliable test for Date, Map and Set. */
function internal<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function errorFields(error: Error): Record<string, unknown> {
  const { name, message, code, cause } = error as Error & { code?: unknown };
  return cause === undefined ? { name, message, code } : { name, message, code, cause };
}

function encodeList(list: readonly unknown[], depth: number, encoder: Encoder): string {
  // Asked once, and made a number: a proxy may give another answer each time, or none that can be counted with.
  const length = SafeNumber(list.length);
  // Every hole costs two characters, so a sparse giant is refused before it is walked.
  if (!(length >= 0)) refuseSize();
  chargeCost(length * READING_COST.item, encoder);
  let text = "[";
  for (let i = 0; i < length; i++) {
    const item = list[i];
    path[depth] = i;
    if (i > 0) text += ",";
    text += isExotic(item) && encoder.omitsExotic ? "null" : encode(item, depth + 1, encoder);
  }
  return `${text}]`;
}

function encodeEntries(tag: "map" | "set", entries: readonly unknown[], depth: number, encoder: Encoder): string {
  chargeCost(entries.length * READING_COST.entry, encoder);
  return `{"$":"${tag}","v":${encodeList(entries, depth, encoder)}}`;
}

function encodeRecord(record: Record<string, unknown>, depth: number, encoder: Encoder): string {
  let text = "{";
  let tagged = false;
  // By index: a for-of would ask the script's Array.prototype for an iterator.
  const keys = ObjectKeys(record);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const item = record[key];
    if (item === undefined || (isExotic(item) && encoder.omitsExotic)) continue;
    if (key === "$") tagged = true;
    if (++encoder.fields > READING_COST.freeFields) chargeCost(READING_COST.field, encoder);
    path[depth] = key;
    if (text.length > 1) text += ",";
    text += `${charge(JSONStringify(key), encoder)}:`;
    text += encode(item, depth + 1, encoder);
  }
  return tagged ? `{"$":"object","v":${text}}}` : `${text}}`;
}

function isExotic(value: unknown): boolean {
  return typeof value === "function" || typeof value === "symbol";
}

function encodeTyped(view: Float32Array, name: string, depth: number, encoder: Encoder): string {
  if (!(name in TYPED_ARRAYS)) refuse(`a ${name}`, depth);
  if (encoder.buffers !== undefined) {
    const { buffer, byteOffset, byteLength } = view;
    append(encoder.buffers, ArrayBufferSlice(buffer, byteOffset, byteOffset + byteLength));
    return `{"$":"typed","name":"${name}","b":${encoder.buffers.length - 1}}`;
  }
  return `{"$":"typed","name":"${name}","v":${encodeList(view as unknown as number[], depth, encoder)}}`;
}
