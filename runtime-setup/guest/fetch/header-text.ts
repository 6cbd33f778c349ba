import { SafeTypeError, StringCharCodeAt, StringSlice, StringToLowerCase } from "../../../src/shared/primordials.ts";
import { toDomString } from "../web/web-strings.ts";

/** What a token may hold beside letters and digits. */
const MARKS = "!#$%&'*+-.^_`|~";

function isTokenUnit(unit: number): boolean {
  if ((unit >= 0x30 && unit <= 0x39) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a)) return true;
  for (let i = 0; i < MARKS.length; i++) if (StringCharCodeAt(MARKS, i) === unit) return true;
  return false;
}

/** Is it what names of headers, and methods, are made of? */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isTokenUnit(StringCharCodeAt(text, i))) return false;
  return text !== "";
}

/** The name of a header, in lower case. */
export function toHeaderName(name: unknown): string {
  const text = toDomString(name);
  if (!isToken(text)) throw new SafeTypeError(`Invalid header name: ${text}`);
  return StringToLowerCase(text);
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x09 || unit === 0x0a || unit === 0x0d;
}

/** The value of a header, without space around it. */
export function toHeaderValue(name: string, value: unknown): string {
  const text = toDomString(value);
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(StringCharCodeAt(text, start))) start++;
  while (end > start && isSpace(StringCharCodeAt(text, end - 1))) end--;
  for (let i = start; i < end; i++) {
    const unit = StringCharCodeAt(text, i);
    if (unit > 0xff || unit === 0 || unit === 0x0a || unit === 0x0d) {
      throw new SafeTypeError(
        `Invalid value of the header ${name}: it holds a line break, NUL, or a character above U+00FF`,
      );
    }
  }
  return StringSlice(text, start, end);
}
