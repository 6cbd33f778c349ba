import { GeppettoError } from "./errors.ts";
import { MAX_BIGINT_DIGITS, MAX_FRAME_CHARS, MAX_VALUE_DEPTH, READING_COST } from "./frames.ts";
import {
  append,
  ArrayBufferByteLength,
  ArrayBufferSlice,
  ArrayFill,
  BigIntToString,
  DateGetTime,
  defineHidden,
  isArray,
  JSONParse,
  JSONStringify,
  JSONStringifyAny,
  MapForEach,
  MathFloor,
  NumberIsFinite,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  ObjectHasOwnProperty,
  ObjectKeys,
  ReflectApply,
  SafeArray,
  SafeError,
  SafeNumber,
  SafeUint8Array,
  SetForEach,
  SafeString,
  StringRepeat,
  typedArrayName,
} from "./primordials.ts";
import { internal, nameOfOpaque, tagOf, unbox } from "./values/opaque-objects.ts";
import { TYPED_ARRAYS } from "./values/typed-arrays.ts";

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
  /** What to do with objects that have no fields to copy: refuse them (default), or leave them empty as JSON does. */
  opaque?: "refuse" | "empty";
  /**
   * What to do with objects of classes: copy their fields ("copy", the default), which may not be all that they are;
   * copy only what a `toJSON` says ("json"); or refuse them ("refuse"), dates, maps, sets and vectors excepted.
   */
  classes?: "copy" | "json" | "refuse";
  /**
   * No script has this value in its hands: what is as JSON has it need not be copied, and may be read twice, once for its
   * size and once for its text.
   */
  isTrusted?: boolean;
}

interface Encoder {
  readonly buffers: ArrayBuffer[] | undefined;
  readonly omitsExotic: boolean;
  readonly emptiesOpaque: boolean;
  readonly classes: "copy" | "json" | "refuse";
  /** Characters that the text will have at least, and what it costs beyond them. */
  chars: number;
  /** Of the text, the brackets, commas and colons of lists and records: they are not charged. */
  punctuation: number;
  /** What reading costs beyond the characters. */
  costs: number;
  fields: number;
  /** Are lists and records copied before they are written, or only where their text is not theirs? */
  readonly copies: boolean;
  /** Is it within a long list? */
  inLongList: boolean;
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
 * The JSON text of `value`. What is to be written is copied first, everything read once, into objects of our own, which V8
 * then writes in one go: nothing of the script's can run meanwhile. Of what no script can have changed only that is copied
 * which JSON lacks.
 *
 * @throws {GeppettoError} ValidationError that names the place of what cannot be copied, or where the value refers to
 *   itself or is nested more than {@link MAX_VALUE_DEPTH} levels deep; LimitError when the text exceeds {@link MAX_FRAME_CHARS}.
 */
export function encodeValue(
  value: unknown,
  { buffers, exotic, opaque, classes = "copy", isTrusted = false }: EncodeOptions = {},
): string {
  const encoder: Encoder = {
    buffers,
    omitsExotic: exotic === "omit",
    // What JSON leaves empty is left empty where functions are left out, too.
    emptiesOpaque: opaque === "empty" || exotic === "omit",
    classes,
    chars: 0,
    punctuation: 0,
    costs: 0,
    fields: 0,
    copies: !isTrusted || !arePrototypesOwn(),
    inLongList: false,
    within: undefined,
  };
  const tree = toTree(value, 0, encoder);
  if (!arePrototypesOwn()) shield(tree);
  const text = JSONStringifyAny(tree)!;
  if (text.length - encoder.punctuation + encoder.costs > MAX_FRAME_CHARS) refuseSize();
  return text;
}

/** Would no list or plain object find a `toJSON` that a script has planted? */
function arePrototypesOwn(): boolean {
  return (
    !ObjectHasOwn(PlainPrototype, "toJSON") &&
    !ObjectHasOwn(ListPrototype, "toJSON") &&
    ObjectGetPrototypeOf(ListPrototype) === PlainPrototype
  );
}

/** Has each object of a tree say that it has no `toJSON`. */
function shield(tree: unknown): void {
  if (typeof tree !== "object" || tree === null) return;
  defineHidden(tree, "toJSON", undefined);
  const keys = ObjectKeys(tree);
  for (let i = 0; i < keys.length; i++) shield((tree as Record<string, unknown>)[keys[i]!]);
}

function charge(chars: number, encoder: Encoder): void {
  encoder.chars += chars;
  if (encoder.chars > MAX_FRAME_CHARS) refuseSize();
}

function chargeCost(cost: number, encoder: Encoder): void {
  encoder.costs += cost;
  charge(cost, encoder);
}

/** Most characters that one of a text becomes in JSON. */
const LONGEST_ESCAPE = 6;

/** A text is written once; only where it may be too long is it known before how long it becomes. */
function chargeText(text: string, encoder: Encoder): void {
  const { length } = text;
  if (length > MAX_FRAME_CHARS) refuseSize();
  const mayBeTooLong = encoder.chars + length * LONGEST_ESCAPE > MAX_FRAME_CHARS;
  charge(mayBeTooLong ? JSONStringify(text).length : length + 2, encoder);
}

function refuseSize(): never {
  throw new GeppettoError("LimitError", `Cannot copy a value of more than ${MAX_FRAME_CHARS} characters; send less`, {
    code: "ERR_LIMIT_MESSAGE",
  });
}

/** An object that stands for what JSON lacks. */
type Tagged = { $: string; v?: unknown; name?: string; b?: number };

/** What JSON writes for a value: the value itself, or objects of our own. */
function toTree(value: unknown, depth: number, encoder: Encoder): unknown {
  switch (typeof value) {
    case "string":
      chargeText(value, encoder);
      return value;
    case "number":
      charge(1, encoder);
      if (isPlainNumber(value)) return value;
      chargeCost(READING_COST.object, encoder);
      return { $: "number", v: 1 / value === -Infinity ? "-0" : SafeString(value) } satisfies Tagged;
    case "boolean":
      charge(4, encoder);
      return value;
    case "undefined":
      chargeCost(READING_COST.object, encoder);
      return { $: "undefined" } satisfies Tagged;
    case "bigint":
      return toBigIntTree(BigIntToString(value), depth, encoder);
    case "object":
      if (value !== null) return toObjectTree(value, depth, encoder);
      charge(4, encoder);
      return null;
    default:
      return refuse(`a ${typeof value}`, depth);
  }
}

/** Does JSON have it? */
function isPlainNumber(value: number): boolean {
  return value === 0 ? 1 / value > 0 : value - value === 0;
}

function toBigIntTree(digits: string, depth: number, encoder: Encoder): Tagged {
  if (digits.length > MAX_BIGINT_DIGITS) refuse(`a bigint of more than ${MAX_BIGINT_DIGITS} digits`, depth);
  chargeCost(READING_COST.object + digits.length, encoder);
  charge(digits.length, encoder);
  return { $: "bigint", v: digits };
}

function toObjectTree(value: object, depth: number, encoder: Encoder): unknown {
  const outer = encoder.within;
  for (let at = outer; at !== undefined; at = at.outer) {
    if (at.value === value) refuse("a value that refers to itself", depth);
  }
  if (depth >= MAX_VALUE_DEPTH) refuse(`a value that is nested more than ${MAX_VALUE_DEPTH} levels deep`, depth);
  encoder.within = { value, outer };
  const tree = toContentsTree(value, depth, encoder);
  encoder.within = outer;
  return tree;
}

function toContentsTree(value: object, depth: number, encoder: Encoder): unknown {
  chargeCost(READING_COST.object, encoder);
  if (isArray(value)) return toListTree(value, depth, encoder);
  const prototype: unknown = ObjectGetPrototypeOf(value);
  const isPlain = prototype === PlainPrototype || prototype === null;
  if (!isPlain) {
    const special = toSpecialTree(value, depth, encoder);
    if (special !== undefined) return special;
    const tag = tagOf(value);
    if (tag === "ArrayBuffer" && internal(() => ArrayBufferByteLength(value)) !== undefined)
      return toTypedTree(bytesOf(value as ArrayBuffer, depth), tag, depth, encoder);
    const boxed = unbox(value, tag);
    if (boxed !== undefined) return toTree(boxed, depth, encoder);
  }
  const isPlainest = prototype === PlainPrototype && !ObjectHasOwn(value, "toJSON");
  if (encoder.classes !== "refuse" && !isPlainest) {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") {
      const plain: unknown = ReflectApply(toJSON, value, []);
      if (plain !== value) return toTree(plain, depth + 1, encoder);
    }
  }
  if (isPlain) {
    const record = value as Record<string, unknown>;
    const isOurs = encoder.copies || !isPlainest;
    return toRecordTree(isOurs ? copyRecord(record, encoder) : record, isOurs, depth, encoder);
  }
  if (encoder.classes !== "copy") refuse("an object of a class", depth);
  if (value instanceof SafeError) {
    chargeCost(READING_COST.error, encoder);
    return { $: "error", v: toRecordTree(errorFields(value), true, depth, encoder) } satisfies Tagged;
  }
  const fields = { ...value };
  const opaque = encoder.emptiesOpaque ? undefined : nameOfOpaque(value, fields);
  if (opaque !== undefined) refuse(opaque, depth);
  return toRecordTree(fields, true, depth, encoder);
}

/** Typed arrays, dates, maps and sets, told by brand. */
function toSpecialTree(value: object, depth: number, encoder: Encoder): Tagged | undefined {
  const typed = typedArrayName(value);
  if (typed !== undefined) return toTypedTree(value as Float32Array, typed, depth, encoder);
  const time = internal(() => DateGetTime(value));
  if (time !== undefined) return { $: "date", v: NumberIsFinite(time) ? time : null };
  const entries: unknown[] = [];
  if (internal(() => (MapForEach(value, (v: unknown, k: unknown) => append(entries, [k, v])), true)))
    return toEntriesTree("map", entries, depth, encoder);
  if (internal(() => (SetForEach(value, (v: unknown) => append(entries, v)), true)))
    return toEntriesTree("set", entries, depth, encoder);
  return undefined;
}

const ListPrototype: object = ObjectGetPrototypeOf([]) as object;
const PlainPrototype: object = ObjectGetPrototypeOf({}) as object;

/**
 * The value's `toJSON`: its own, or its class's. What a script put on the prototype of plain objects or arrays is not
 * the value's.
 */
export function jsonMethod(value: object): unknown {
  const isPlain = isArray(value) || ObjectGetPrototypeOf(value) === PlainPrototype;
  return isPlain && !ObjectHasOwn(value, "toJSON") ? undefined : (value as { toJSON?: unknown }).toJSON;
}

function errorFields(error: Error): Record<string, unknown> {
  const { name, message, code, cause } = error as Error & { code?: unknown };
  return cause === undefined ? { name, message, code } : { name, message, code, cause };
}

function toListTree(list: readonly unknown[], depth: number, encoder: Encoder): unknown[] {
  // Asked once, and made a number: a proxy may give another answer each time, or none that can be counted with.
  const length = MathFloor(SafeNumber(list.length));
  // Every hole costs two characters, so a sparse giant is refused before it is walked.
  if (!(length >= 0)) refuseSize();
  chargeCost(length * READING_COST.item, encoder);
  encoder.punctuation += length > 0 ? length + 1 : 2;
  let tree = encoder.copies || !isPlainList(list) ? blankList(length) : (list as unknown[]);
  const { inLongList } = encoder;
  if (length >= LONG_LIST) encoder.inLongList = true;
  for (let i = 0; i < length; i++) {
    const item = list[i];
    let written: unknown = item;
    if (typeof item === "string") chargeText(item, encoder);
    else {
      path[depth] = i;
      written = isExotic(item) && encoder.omitsExotic ? null : toTree(item, depth + 1, encoder);
      if (tree === list && written !== item) {
        tree = blankList(length);
        for (let j = 0; j < i; j++) tree[j] = list[j];
      }
    }
    if (tree !== list) tree[i] = written;
  }
  encoder.inLongList = inLongList;
  return tree;
}

/** Does V8 write it as what is in it? */
function isPlainList(list: object): boolean {
  return isArray(list) && ObjectGetPrototypeOf(list) === ListPrototype && !ObjectHasOwn(list, "toJSON");
}

/** How many items make a list long. */
const LONG_LIST = 32;

/**
 * All fields, read once, by nothing that a script could have changed. V8 remembers for each place of a program that copies
 * records the shapes of some of them, and copies those five times faster: so what is in long lists has a place of its own.
 */
function copyRecord(record: Record<string, unknown>, { inLongList }: Encoder): Record<string, unknown> {
  return inLongList ? { ...record } : { ...record };
}

/** A list of so many items, all there, so that an assignment never asks for a setter that a script has planted. */
function blankList(length: number): unknown[] {
  switch (length) {
    case 0:
      return [];
    case 1:
      return [0];
    case 2:
      return [0, 0];
    case 3:
      return [0, 0, 0];
    case 4:
      return [0, 0, 0, 0];
    default:
      // Nothing else makes one without asking the script's prototypes.
      return JSONParse(`[0${StringRepeat(",0", length - 1)}]`) as unknown[];
  }
}

function toEntriesTree(tag: "map" | "set", entries: readonly unknown[], depth: number, encoder: Encoder): Tagged {
  chargeCost(entries.length * READING_COST.entry, encoder);
  return { $: tag, v: toListTree(entries, depth, encoder) };
}

/** @param isOurs may the record be changed, and has nobody else got it? */
function toRecordTree(
  record: Record<string, unknown>,
  isOurs: boolean,
  depth: number,
  encoder: Encoder,
): Record<string, unknown> {
  let tree = record;
  let fields = 0;
  let isTagged = false;
  // V8 knows these keys from the object's shape; a list of them would have to be made, and looked up one by one.
  for (const key in record) {
    // The loop also gives what a script has put on the prototype of all objects: those are not fields of the record.
    if (!ObjectHasOwnProperty(record, key)) continue;
    const item = record[key];
    if (typeof item === "string") chargeText(item, encoder);
    else if (typeof item === "number" && isPlainNumber(item)) charge(1, encoder);
    // JSON leaves those out as well.
    else if (item === undefined || (isExotic(item) && encoder.omitsExotic)) continue;
    else {
      path[depth] = key;
      const written = toTree(item, depth + 1, encoder);
      if (written !== item) {
        if (!isOurs && tree === record) tree = { ...record };
        tree[key] = written;
      }
    }
    fields++;
    if (key === "$") isTagged = true;
    chargeText(key, encoder);
  }
  const free = READING_COST.freeFields - encoder.fields;
  encoder.fields += fields;
  if (fields > free) chargeCost((free > 0 ? fields - free : fields) * READING_COST.field, encoder);
  encoder.punctuation += fields > 0 ? 2 * fields + 1 : 2;
  return isTagged ? { $: "object", v: tree } : tree;
}

function isExotic(value: unknown): boolean {
  return typeof value === "function" || typeof value === "symbol";
}

function bytesOf(buffer: ArrayBuffer, depth: number): Uint8Array {
  return internal(() => new SafeUint8Array(buffer)) ?? refuse("a detached ArrayBuffer", depth);
}

function toTypedTree(view: Float32Array | Uint8Array, name: string, depth: number, encoder: Encoder): Tagged {
  if (name !== "ArrayBuffer" && !(name in TYPED_ARRAYS)) refuse(`a ${name}`, depth);
  if (encoder.buffers !== undefined) {
    const { buffer, byteOffset, byteLength } = view;
    const copy = internal(() => ArrayBufferSlice(buffer, byteOffset, byteOffset + byteLength));
    append(encoder.buffers, copy ?? refuse(`a detached ${name}`, depth));
    return { $: "typed", name, b: encoder.buffers.length - 1 };
  }
  return { $: "typed", name, v: toListTree(view as unknown as number[], depth, encoder) };
}
