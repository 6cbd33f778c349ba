import { StringCharCodeAt, StringCodePointAt, StringIndexOf, StringNormalize, StringSlice } from "./primordials.ts";

/** Removes escape sequences that style text (`ESC [ … letter`) and those that carry a string (`ESC ] … BEL`). */
export function stripEscapes(text: string): string {
  if (StringIndexOf(text, "\u001b") === -1) return text;
  let out = "";
  let last = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "\u001b") continue;
    out += StringSlice(text, last, i);
    i++;
    if (text[i] === "]") while (i < text.length && text[i] !== "\u0007") i++;
    else if (text[i] === "[") {
      i++;
      while (i < text.length && (StringCharCodeAt(text, i) < 0x40 || StringCharCodeAt(text, i) > 0x7e)) i++;
    }
    last = i + 1;
  }
  return out + StringSlice(text, last);
}

function isWide(code: number): boolean {
  if (code < 0x1100) return false;
  return (
    code <= 0x115f ||
    code === 0x2329 ||
    code === 0x232a ||
    (code >= 0x2e80 && code <= 0x3247 && code !== 0x303f) ||
    (code >= 0x3250 && code <= 0x4dbf) ||
    (code >= 0x4e00 && code <= 0xa4c6) ||
    (code >= 0xa960 && code <= 0xa97c) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe10 && code <= 0xfe19) ||
    (code >= 0xfe30 && code <= 0xfe6b) ||
    (code >= 0xff01 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1b000 && code <= 0x1b001) ||
    (code >= 0x1f200 && code <= 0x1f251) ||
    (code >= 0x1f300 && code <= 0x1f64f) ||
    (code >= 0x1f680 && code <= 0x1f6fc) ||
    (code >= 0x1f900 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

function isZeroWidth(code: number): boolean {
  return (
    code <= 0x1f ||
    (code >= 0x7f && code <= 0x9f) ||
    (code >= 0x300 && code <= 0x36f) ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x20d0 && code <= 0x20ff) ||
    (code >= 0xfe00 && code <= 0xfe0f) ||
    (code >= 0xfe20 && code <= 0xfe2f) ||
    (code >= 0xe0100 && code <= 0xe01ef)
  );
}

/** How many columns of a terminal the text takes; escape sequences take none. */
export function textWidth(text: string): number {
  const plain = stripEscapes(text);
  let ascii = 0;
  while (ascii < plain.length && StringCharCodeAt(plain, ascii) < 0x7f) ascii++;
  let width = 0;
  const whole = ascii === plain.length ? plain : StringNormalize(plain, "NFC");
  for (let i = 0; i < whole.length; i++) {
    const code = StringCodePointAt(whole, i) as number;
    if (code > 0xffff) i++;
    if (isWide(code)) width += 2;
    else if (!isZeroWidth(code)) width++;
  }
  return width;
}
