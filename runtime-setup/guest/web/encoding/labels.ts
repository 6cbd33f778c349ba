import {
  StringCharCodeAt,
  StringIncludes,
  StringSlice,
  StringToLowerCase,
} from "../../../../src/shared/primordials.ts";

export type Encoding = "utf-8" | "utf-16le" | "windows-1252";

const UTF8 = " unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8 ";
const UTF16LE = " csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le ";
const WINDOWS1252 =
  " ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1" +
  " iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252 ";

/** Tab, line feed, form feed, carriage return, space. */
export function isAsciiSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d && unit !== 0x0b);
}

function trimmed(label: string): string {
  let start = 0;
  let end = label.length;
  while (start < end && isAsciiSpace(StringCharCodeAt(label, start))) start++;
  while (end > start && isAsciiSpace(StringCharCodeAt(label, end - 1))) end--;
  return StringSlice(label, start, end);
}

/** The encoding with this label, undefined where it is not one of the three. */
export function encodingOf(label: string): Encoding | undefined {
  const name = StringToLowerCase(trimmed(label));
  if (name === "" || StringIncludes(name, " ")) return undefined;
  const wanted = ` ${name} `;
  if (StringIncludes(UTF8, wanted)) return "utf-8";
  if (StringIncludes(UTF16LE, wanted)) return "utf-16le";
  return StringIncludes(WINDOWS1252, wanted) ? "windows-1252" : undefined;
}

/** What the bytes 0x80 to 0x9F stand for in windows-1252; the others are their own code points. */
const HIGH = [
  0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
  0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
];

export function windows1252Unit(byte: number): number {
  return byte >= 0x80 && byte <= 0x9f ? HIGH[byte - 0x80]! : byte;
}
