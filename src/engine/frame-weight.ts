import { READING_COST } from "../shared/frames.ts";

const DOLLAR = 0x24;
const LETTER_V = 0x76;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BRACE = 0x7b;
const BACKSLASH = 0x5c;

/** Characters that are looked at together: as bytes, since V8 takes more than twice as long to tell those of a string. */
const CHUNK_CHARS = 16_384;
/** Half of a surrogate pair, too, becomes three bytes, none of which is one of those above. */
const chunk = new Uint8Array(3 * CHUNK_CHARS);
const encoder = new TextEncoder();

/**
 * About how many characters of text take as long to read as this JSON text, and as much memory as what it becomes. Linear,
 * and done before it is parsed: a guest that has broken out sends what no encoder of ours would. It stops soon after it has
 * come to more than `most`.
 */
export function weighFrame(text: string, most: number): number {
  const bytes = chunk;
  let weight = text.length;
  let fields = 0;
  let inText = false;
  /** Is the next character escaped? */
  let isEscaped = false;
  /** Where the last text begins, in bytes of the chunk; what began in a chunk before has a place before this one. */
  let start = 0;
  /** The last byte of the chunk before. */
  let last = 0;
  /** Is a colon that comes now that of a tag? A tag has the names that all tags have. */
  let isTag = false;
  for (let from = 0; from < text.length && weight <= most; from += CHUNK_CHARS) {
    const length = encoder.encodeInto(text.slice(from, from + CHUNK_CHARS), chunk).written;
    let at = 0;
    if (isEscaped) {
      isEscaped = false;
      at = 1;
    }
    while (at < length) {
      if (inText) {
        while (at < length && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at++;
        if (at >= length) break;
        if (bytes[at] === BACKSLASH) {
          at += 2;
          continue;
        }
        inText = false;
        isTag = at === start + 1 && isTagName(at > 0 ? bytes[at - 1]! : last);
        at++;
        continue;
      }
      switch (bytes[at]) {
        case QUOTE:
          inText = true;
          start = at + 1;
          break;
        case COMMA:
          weight += READING_COST.item - 1;
          break;
        case BRACKET:
        case BRACE:
          weight += READING_COST.object;
          break;
        case COLON:
          if (!isTag && ++fields > READING_COST.freeFields) weight += READING_COST.field;
          break;
      }
      isTag = false;
      at++;
    }
    isEscaped = at > length;
    last = bytes[length - 1]!;
    start -= length;
  }
  return weight;
}

function isTagName(code: number): boolean {
  return code === DOLLAR || code === LETTER_V;
}
