import { plainJson } from "../../shared/values/plain-json.ts";
import type { ExpectedEvent } from "../files/test-document.ts";

/** A value as JSON has it, what JSON lacks as the nearest thing that it has; undefined is null. */
export function toPlain(value: unknown): unknown {
  return JSON.parse(plainJson(value ?? null)) as unknown;
}

/** Are two plain values the same, whatever the order of their keys? */
export function isSame(a: unknown, b: unknown): boolean {
  return matches(a, b, true);
}

/** Does a value have all that is expected of it? Objects may have more fields, lists no more entries. */
export function hasAll(expected: unknown, actual: unknown): boolean {
  return matches(expected, actual, false);
}

/** The first expected event that does not come after those before it; undefined where all come. */
export function missingEvent(expected: readonly ExpectedEvent[], events: readonly unknown[]): number | undefined {
  let at = 0;
  for (const [index, wanted] of expected.entries()) {
    const fields = typeof wanted === "string" ? { type: wanted } : wanted;
    while (at < events.length && !hasAll(fields, events[at])) at++;
    if (at === events.length) return index;
    at++;
  }
  return undefined;
}

function matches(expected: unknown, actual: unknown, exactly: boolean): boolean {
  if (typeof expected !== "object" || expected === null || typeof actual !== "object" || actual === null)
    return Object.is(expected, actual);
  if (Array.isArray(expected) !== Array.isArray(actual)) return false;
  const [left, right] = [Object.entries(expected), Object.keys(actual)];
  if ((exactly || Array.isArray(expected)) && left.length !== right.length) return false;
  return left.every(
    ([key, value]) => Object.hasOwn(actual, key) && matches(value, (actual as Record<string, unknown>)[key], exactly),
  );
}

/** A plain value as text, to be compared line by line: keys in order. */
export function toText(value: unknown): string {
  return `${JSON.stringify(sorted(value), undefined, 2)}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sorted(entry)]),
  );
}
