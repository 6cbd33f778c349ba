const QUOTE = 34;
const BACKSLASH = 92;

/** How deep a JSON text is nested, found without parsing it: parsing, and all that follows, may not be up to it. */
export function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isText = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (isText) {
      if (unit === BACKSLASH) at++;
      else if (unit === QUOTE) isText = false;
    } else if (unit === QUOTE) isText = true;
    // "[" and "{", "]" and "}": the brackets of each kind differ by one bit.
    else if ((unit | 32) === 123) deepest = Math.max(deepest, ++depth);
    else if ((unit | 32) === 125) depth--;
  }
  return deepest;
}
