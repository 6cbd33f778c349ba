import { encodeValue } from "./codec.ts";
import type { Outcome } from "./frames.ts";
import { JSONStringify, NumberIsFinite } from "./primordials.ts";

/** Longest text that {@link plainText} writes. */
const SHORT_TEXT = 1000;

/**
 * The text that `encodeValue` makes of a number, a short text, a boolean or null, which most of what crosses is; undefined
 * for everything else. It needs nothing of what values of scripts ask for.
 */
export function plainText(value: unknown): string | undefined {
  switch (typeof value) {
    case "number":
      return NumberIsFinite(value) && !(value === 0 && 1 / value < 0) ? `${value}` : undefined;
    case "string":
      return value.length <= SHORT_TEXT ? JSONStringify(value) : undefined;
    case "boolean":
      return value ? "true" : "false";
    default:
      return value === null ? "null" : undefined;
  }
}

/** The text that `encodeValue` makes of a success with such a value; undefined for every other outcome. */
export function plainOutcome(outcome: Outcome): string | undefined {
  const plain = outcome.ok ? plainText(outcome.value) : undefined;
  return plain === undefined ? undefined : `{"ok":true,"value":${plain}}`;
}

/** Longest list that {@link encodeList} looks at. */
const SHORT_LIST = 4;

/** The text that `encodeValue` makes of a list which no script has in its hands: some items are read twice. */
export function encodeList(list: readonly unknown[]): string {
  if (list.length > SHORT_LIST) return encodeValue(list);
  let text = "";
  for (let i = 0; i < list.length; i++) {
    const item = plainText(list[i]);
    if (item === undefined) return encodeValue(list);
    text = i === 0 ? item : `${text},${item}`;
  }
  return `[${text}]`;
}
