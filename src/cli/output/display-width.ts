import { createRequire } from "node:module";

const PLAIN = /^[\x20-\x7e]*$/;

/** Loaded on use: most of what is shown is plain. */
let stringWidth: ((text: string) => number) | undefined;

/** How many columns of a terminal a text takes that has no control characters: CJK and emoji take two each, marks none. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  stringWidth ??= (createRequire(import.meta.url)("string-width") as typeof import("string-width")).default;
  return stringWidth(text);
}

/** The beginning of a text that takes so many columns at most, with an ellipsis where it is longer. */
export function fitWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let fitting = "";
  let left = columns - 1;
  // What looks like one character is cut as one, an emoji of several too.
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    left -= displayWidth(segment);
    if (left < 0) break;
    fitting += segment;
  }
  return `${fitting}…`;
}
