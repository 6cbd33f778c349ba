import { textWidth } from "../../files.ts";

const PLAIN = /^[\x20-\x7e]*$/;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;

/** How many columns of a terminal a text takes that has no control characters: CJK and emoji take two each. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  // An emoji of several characters takes the place of one.
  for (const { segment } of new Intl.Segmenter().segment(text)) width += EMOJI.test(segment) ? 2 : textWidth(segment);
  return width;
}

/** The beginning of a text that takes so many columns at most, with an ellipsis where it is longer. */
export function fitWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let fitting = "";
  let left = columns - 1;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    left -= displayWidth(segment);
    if (left < 0) break;
    fitting += segment;
  }
  return `${fitting}…`;
}
