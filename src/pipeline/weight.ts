import { weigh } from "../base/weigh.ts";
import { contentOf, type StreamElement } from "./element.ts";

/** Counts memory that a pipeline keeps, in bytes; negative gives it back. Throws when it may not keep that much. */
export type Hold = (bytes: number) => void;

/** What an element weighs beside its content. */
const ELEMENT_BYTES = 100;

/** More than any limit allows: where counting may stop. */
const MOST_BYTES = 1e9;

/** About how much memory an element keeps, in bytes. */
export function weightOf(element: StreamElement): number {
  return ELEMENT_BYTES + weigh([contentOf(element), element.metadata], MOST_BYTES);
}
