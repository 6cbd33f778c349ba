import { contentOf, type StreamElement } from "./element.ts";

/** Counts memory that a pipeline keeps, in bytes; negative gives it back. Throws when it may not keep that much. */
export type Hold = (bytes: number) => void;

/** What an element weighs beside its content. */
const ELEMENT_BYTES = 100;

/** About how much memory an element keeps. */
export function weightOf(element: StreamElement): number {
  return ELEMENT_BYTES + weigh(contentOf(element)) + weigh(element.metadata);
}

/** About how much memory values keep, their own structure included. */
export function weigh(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 8;
  let weight = 0;
  const open: object[] = [value];
  const seen = new Set<object>();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    weight += 16;
    if (ArrayBuffer.isView(next)) {
      weight += next.byteLength;
      continue;
    }
    const inside = next instanceof Map ? [...next].flat() : next instanceof Set ? [...next] : Object.values(next);
    for (const part of inside) {
      if (typeof part === "string") weight += part.length;
      else if (typeof part === "object" && part !== null) open.push(part as object);
      else weight += 8;
    }
  }
  return weight;
}
