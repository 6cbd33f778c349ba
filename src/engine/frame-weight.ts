import { READING_COST } from "../shared/frames.ts";

const DOLLAR = 0x24;
const LETTER_V = 0x76;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BRACE = 0x7b;
const BACKSLASH = 0x5c;

/**
 * About how many characters of text take as long to read as this JSON text, and as much memory as what it becomes. Linear,
 * and done before it is parsed: a guest that has broken out sends what no encoder of ours would. It stops where it has
 * come to more than `most`.
 */
export function weighFrame(text: string, most: number): number {
  let weight = text.length;
  let fields = 0;
  for (let at = 0; at < text.length && weight <= most; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const start = at + 1;
        at = endOfText(text, start);
        // A tag has the names that all tags have.
        if (at === start + 1 && text.charCodeAt(at + 1) === COLON && isTagName(text.charCodeAt(start))) at++;
        break;
      }
      case COMMA:
        weight += READING_COST.item - 1;
        break;
      case BRACKET:
      case BRACE:
        weight += READING_COST.object;
        break;
      case COLON:
        if (++fields > READING_COST.freeFields) weight += READING_COST.field;
        break;
    }
  }
  return weight;
}

function isTagName(code: number): boolean {
  return code === DOLLAR || code === LETTER_V;
}

/** Where the text ends that begins here: at its closing quote. */
function endOfText(text: string, start: number): number {
  let end = start;
  while (end < text.length) {
    const code = text.charCodeAt(end);
    if (code === QUOTE) return end;
    end += code === BACKSLASH ? 2 : 1;
  }
  return end;
}
