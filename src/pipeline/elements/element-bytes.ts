import { estimateBytes } from "../../base/estimate-bytes.ts";
import { contentOf, type StreamElement } from "./element.ts";

/** Counts memory that a pipeline keeps, in bytes; negative gives it back. Throws when it may not keep that much. */
export type Reserve = (bytes: number) => void;

/** What an element takes beside its content. */
const ELEMENT_BYTES = 100;

/** Where counting stops: only what refers to itself is larger, and that no limit lets pass. */
const MAX_BYTES = 256e6;

/** The sizes of contents and metadata: they are not changed once sent, and are asked for on each side of each stage. */
const known = new WeakMap<object, number>();

/** About how much memory an element keeps, in bytes. */
export function elementBytes(element: StreamElement): number {
  return ELEMENT_BYTES + partBytes(contentOf(element)) + partBytes(element.metadata);
}

function partBytes(part: unknown): number {
  if (typeof part !== "object" || part === null) return estimateBytes(part, MAX_BYTES);
  const found = known.get(part);
  if (found !== undefined) return found;
  const bytes = estimateBytes(part, MAX_BYTES);
  known.set(part, bytes);
  return bytes;
}
