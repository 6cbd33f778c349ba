import { MAX_BIGINT_DIGITS } from "./frames.ts";
import { GeppettoError } from "./errors.ts";
import {
  defineField,
  defineHidden,
  isArray,
  JSONParse,
  MapSet,
  ObjectKeys,
  SafeBigInt,
  SafeDate,
  SafeError,
  SafeNumber,
  SetAdd,
  SafeString,
  StringIncludes,
  StringIndexOf,
  typedArrayBuffer,
} from "./primordials.ts";
import { TYPED_ARRAYS } from "./values/typed-arrays.ts";

/**
 * The value behind a text that `encodeValue` made.
 *
 * @throws {SyntaxError} when the text is not JSON; {GeppettoError} ValidationError when a tag is not one of ours.
 */
export function decodeValue(text: string, buffers: readonly ArrayBuffer[] = []): unknown {
  const tree = JSONParse(text);
  return mayHaveTags(text) ? revive(tree, buffers) : tree;
}

/** May there be a tag in it? One character is looked for many times faster than several, and most texts have no "$". */
export function mayHaveTags(text: string): boolean {
  const at = StringIndexOf(text, "$");
  return at > 0 && StringIncludes(text, '"$":', at - 1);
}

/** Puts back what the tags of an already parsed tree stand for. Changes the tree in place and returns it. */
export function revive(node: unknown, buffers: readonly ArrayBuffer[]): unknown {
  if (typeof node !== "object" || node === null) return node;
  if (isArray(node)) {
    for (let i = 0; i < node.length; i++) node[i] = revive(node[i], buffers);
    return node;
  }
  const record = node as Record<string, unknown>;
  if (typeof record["$"] === "string") return reviveTag(record["$"], record, buffers);
  return reviveFields(record, buffers);
}

function reviveFields(record: Record<string, unknown>, buffers: readonly ArrayBuffer[]): Record<string, unknown> {
  const keys = ObjectKeys(record);
  for (let i = 0; i < keys.length; i++) {
    const item = record[keys[i]!];
    if (typeof item === "object" && item !== null) defineField(record, keys[i]!, revive(item, buffers));
  }
  return record;
}

function reviveTag(tag: string, node: Record<string, unknown>, buffers: readonly ArrayBuffer[]): unknown {
  const v = node["v"];
  switch (tag) {
    case "undefined":
      return undefined;
    case "number":
      return SafeNumber(v);
    case "bigint":
      return typeof v === "string" && v.length <= MAX_BIGINT_DIGITS ? SafeBigInt(v) : malformed(tag);
    case "date":
      return new SafeDate(v === null ? NaN : (v as number));
    case "map": {
      const map = new Map();
      const pairs = list(v, tag);
      for (let i = 0; i < pairs.length; i++) {
        const pair = list(pairs[i], tag);
        MapSet(map, revive(pair[0], buffers), revive(pair[1], buffers));
      }
      return map;
    }
    case "set": {
      const set = new Set();
      const items = list(v, tag);
      for (let i = 0; i < items.length; i++) SetAdd(set, revive(items[i], buffers));
      return set;
    }
    case "error":
      return reviveError(v, buffers);
    case "object": {
      const inner = v as Record<string, unknown>;
      return typeof inner === "object" && inner !== null ? reviveFields(inner, buffers) : malformed(tag);
    }
    case "typed":
      return reviveTyped(node, buffers);
    default:
      return malformed(tag);
  }
}

function reviveError(fields: unknown, buffers: readonly ArrayBuffer[]): Error {
  if (typeof fields !== "object" || fields === null) return malformed("error");
  const { name, message, code, cause } = fields as Record<string, unknown>;
  const error = new SafeError(SafeString(message));
  defineHidden(error, "name", SafeString(name));
  if (code !== undefined) defineHidden(error, "code", code);
  if (cause !== undefined) defineHidden(error, "cause", revive(cause, buffers));
  return error;
}

function reviveTyped(node: Record<string, unknown>, buffers: readonly ArrayBuffer[]): unknown {
  const { name, b, v } = node;
  if (name === "ArrayBuffer") {
    const bytes = reviveTyped({ name: "Uint8Array", b, v }, buffers);
    return typedArrayBuffer(bytes);
  }
  if (typeof name !== "string" || !(name in TYPED_ARRAYS)) return malformed("typed");
  const View = TYPED_ARRAYS[name as keyof typeof TYPED_ARRAYS];
  if (typeof b === "number") {
    const buffer = buffers[b];
    return buffer === undefined ? malformed("typed") : new View(buffer);
  }
  const numbers = list(v, "typed");
  const view = new View(numbers.length);
  for (let i = 0; i < numbers.length; i++) view[i] = SafeNumber(revive(numbers[i], buffers));
  return view;
}

function list(value: unknown, tag: string): unknown[] {
  return isArray(value) ? value : malformed(tag);
}

function malformed(tag: string): never {
  throw new GeppettoError("ValidationError", `Cannot read a value tagged "${tag}": it is malformed`);
}
