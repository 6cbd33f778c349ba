import { decodeValue } from "../../../shared/decode.ts";
import { MAX_VALUE_DEPTH } from "../../../shared/frames.ts";

/** Tags of values stand between their levels. */
const MAX_DEPTH = 4 * MAX_VALUE_DEPTH;

/** The value behind a text that a journal kept. @throws {Error} for what nobody can have kept. */
export function readValue(text: string): unknown {
  if (isDeeper(text, MAX_DEPTH)) throw new SyntaxError("a value is nested too deeply");
  return decodeValue(text);
}

/** Does JSON nest its values deeper than so? What goes on to others is walked by calls within calls. */
function isDeeper(text: string, limit: number): boolean {
  let depth = 0;
  let isInText = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (isInText) {
      if (char === BACKSLASH) i++;
      else if (char === QUOTE) isInText = false;
    } else if (char === QUOTE) isInText = true;
    else if (char === OPEN_LIST || char === OPEN_RECORD) {
      if (++depth > limit) return true;
    } else if (char === CLOSE_LIST || char === CLOSE_RECORD) depth--;
  }
  return false;
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_RECORD, CLOSE_RECORD] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];
