import { weigh } from "../base/weigh.ts";
import { contentOf, type StreamElement } from "./element.ts";

/** Counts memory that a pipeline keeps, in bytes; negative gives it back. Throws when it may not keep that much. */
export type Hold = (bytes: number) => void;

/** What an element weighs beside its content. */
const ELEMENT_BYTES = 100;

/** Where counting stops: only what refers to itself is larger, and that no limit lets pass. */
const MOST_BYTES = 256e6;

/** What contents and metadata weigh: they are not changed once sent, and are asked for on each side of each stage. */
const known = new WeakMap<object, number>();

/** About how much memory an element keeps, in bytes. */
export function weightOf(element: StreamElement): number {
  return ELEMENT_BYTES + weightOfPart(contentOf(element)) + weightOfPart(element.metadata);
}

function weightOfPart(part: unknown): number {
  if (typeof part !== "object" || part === null) return weigh(part, MOST_BYTES);
  const found = known.get(part);
  if (found !== undefined) return found;
  const bytes = weigh(part, MOST_BYTES);
  known.set(part, bytes);
  return bytes;
}
