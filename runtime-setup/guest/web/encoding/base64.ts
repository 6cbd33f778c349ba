import { SafeTypeError, StringCharCodeAt, StringSlice } from "../../../../src/shared/primordials.ts";
import { DOMException } from "../dom-exception.ts";
import { isAsciiSpace } from "./labels.ts";
import { TextBuilder } from "./utf8.ts";
import { toDomString } from "../web-strings.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function invalid(): DOMException {
  return new DOMException("Invalid character", "InvalidCharacterError");
}

function digitOf(unit: number): number {
  if (unit >= 0x41 && unit <= 0x5a) return unit - 0x41;
  if (unit >= 0x61 && unit <= 0x7a) return unit - 0x61 + 26;
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30 + 52;
  if (unit === 0x2b) return 62;
  return unit === 0x2f ? 63 : -1;
}

function withoutSpace(text: string): string {
  let out = "";
  let last = 0;
  for (let i = 0; i < text.length; i++) {
    if (!isAsciiSpace(StringCharCodeAt(text, i))) continue;
    out += StringSlice(text, last, i);
    last = i + 1;
  }
  return last === 0 ? text : out + StringSlice(text, last);
}

/** Base64 to a string of bytes, forgiving white space and missing padding. */
export function atob(data: unknown): string {
  if (arguments.length === 0) throw new SafeTypeError("Cannot decode: atob needs a string");
  const text = withoutSpace(toDomString(data));
  let { length } = text;
  if (length % 4 === 0 && text[length - 1] === "=") length -= text[length - 2] === "=" ? 2 : 1;
  if (length % 4 === 1) {
    throw new DOMException("The string to be decoded is not correctly encoded.", "InvalidCharacterError");
  }
  const out = new TextBuilder();
  let bits = 0;
  let held = 0;
  for (let i = 0; i < length; i++) {
    const digit = digitOf(StringCharCodeAt(text, i));
    if (digit === -1) throw invalid();
    bits = ((bits << 6) | digit) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.add((bits >> held) & 0xff);
  }
  return out.take();
}

/** A string of bytes (characters up to U+00FF) to base64. */
export function btoa(data: unknown): string {
  if (arguments.length === 0) throw new SafeTypeError("Cannot encode: btoa needs a string");
  const text = toDomString(data);
  const out = new TextBuilder();
  const put = (digit: number): void => out.add(StringCharCodeAt(ALPHABET, digit));
  for (let i = 0; i < text.length; i += 3) {
    const left = text.length - i;
    let bits = 0;
    for (let j = 0; j < 3; j++) {
      const unit = j < left ? StringCharCodeAt(text, i + j) : 0;
      if (unit > 0xff) throw invalid();
      bits = (bits << 8) | unit;
    }
    put(bits >> 18);
    put((bits >> 12) & 0x3f);
    if (left > 1) put((bits >> 6) & 0x3f);
    else out.add(0x3d);
    if (left > 2) put(bits & 0x3f);
    else out.add(0x3d);
  }
  return out.take();
}
