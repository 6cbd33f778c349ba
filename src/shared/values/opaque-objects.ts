import {
  BigIntValueOf,
  BooleanValueOf,
  MathMin,
  NumberValueOf,
  ObjectKeys,
  ObjectToString,
  StringIncludes,
  StringSlice,
  StringValueOf,
} from "../primordials.ts";

/** Runs what throws on a foreign receiver: the one reliable test for what V8 keeps inside an object. */
export function internal<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Longest name that an error tells. */
const MAX_TAG = 64;

const START = "[object ".length;

/** What the object calls itself: "RegExp", "Promise"; and "Object" for those of most classes. */
export function tagOf(value: object): string {
  // A script's getter may throw.
  const text = internal(() => ObjectToString(value)) ?? "[object Object]";
  return StringSlice(text, START, MathMin(text.length - 1, START + MAX_TAG));
}

/** The primitive in an object that is made of one, as JSON writes it; undefined for every other object. */
export function unbox(value: object, tag: string): string | number | boolean | bigint | undefined {
  switch (tag) {
    case "Number":
      return internal(() => NumberValueOf(value));
    case "String":
      return internal(() => StringValueOf(value));
    case "Boolean":
      return internal(() => BooleanValueOf(value));
    case "BigInt":
      return internal(() => BigIntValueOf(value));
    default:
      return undefined;
  }
}

/**
 * What an object is ("a RegExp") of which a copy of its fields would say nothing: it has none, and is of a kind of its own.
 * Undefined for every other object.
 */
export function nameOfOpaque(value: object, fields = value): string | undefined {
  if (ObjectKeys(fields).length > 0) return undefined;
  const tag = tagOf(value);
  if (tag === "Object") return undefined;
  return `${StringIncludes("AEIO", StringSlice(tag, 0, 1)) ? "an" : "a"} ${tag}`;
}
