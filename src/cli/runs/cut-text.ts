import { formatCount } from "../options/quantities.ts";
import type { Fact } from "./fact-lines.ts";

/** Longest text that is shown whole, in characters and in lines. */
const MAX_CHARS = 2_000;
const MAX_LINES = 40;

/** A text, with its middle left out where it is long, and a note in its place that says how to see it. */
export function cutText(text: string, isFull: boolean): string {
  const lines = text.split("\n");
  const isTall = lines.length > MAX_LINES;
  if (isFull || (!isTall && text.length <= MAX_CHARS)) return text;
  const start = isTall ? lines.slice(0, MAX_LINES / 2).join("\n") : text;
  const end = isTall ? lines.slice(-MAX_LINES / 2).join("\n") : text;
  // Half of a character is none.
  const head = start.slice(0, MAX_CHARS / 2).replace(/[\ud800-\udbff]$/, "");
  const tail = end.slice(-MAX_CHARS / 2).replace(/^[\udc00-\udfff]/, "");
  const left = formatCount(text.length - head.length - tail.length, "character");
  return `${head}\n… ${left} left out, --full shows them …\n${tail}`;
}

/** Facts about the last of many things, with a note about those that are left out. */
export function lastOf<T>(
  all: readonly T[],
  { most, noun }: { most: number; noun: string },
  isFull: boolean,
  toFacts: (item: T) => readonly Fact[],
): Fact[] {
  const shown = isFull ? all : all.slice(-most);
  const left = all.length - shown.length;
  const note = `… ${formatCount(left, `earlier ${noun}`)} left out, --full shows them …`;
  return [...(left > 0 ? [["", note] as const] : []), ...shown.flatMap(toFacts)];
}
