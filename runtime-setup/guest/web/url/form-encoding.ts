/** application/x-www-form-urlencoded: the form of a URL's query. */
import {
  append,
  SafeUint8Array,
  StringCharCodeAt,
  StringIncludes,
  StringIndexOf,
  StringSlice,
  StringToWellFormed,
} from "../../../../src/shared/primordials.ts";
import { decodeUtf8, encodeUtf8, TextBuilder } from "../encoding/utf8.ts";

const HEX = "0123456789ABCDEF";

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  if (byte >= 0x41 && byte <= 0x46) return byte - 0x37;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1;
}

function decodePart(part: string): string {
  if (!StringIncludes(part, "%") && !StringIncludes(part, "+")) return StringToWellFormed(part);
  const bytes = encodeUtf8(part);
  const decoded = new SafeUint8Array(part.length * 3);
  let length = 0;
  for (let i = 0; ; i++) {
    const byte = bytes[i];
    if (byte === undefined) break;
    const high = byte === 0x25 ? hexDigit(bytes[i + 1]) : -1;
    const low = high === -1 ? -1 : hexDigit(bytes[i + 2]);
    if (low !== -1) {
      decoded[length++] = high * 16 + low;
      i += 2;
    } else decoded[length++] = byte === 0x2b ? 0x20 : byte;
  }
  return decodeUtf8(decoded, length);
}

/** The pairs of a query; a leading "?" does not count. */
export function parseForm(query: string): { name: string; value: string }[] {
  const pairs: { name: string; value: string }[] = [];
  for (let start = query[0] === "?" ? 1 : 0; start < query.length;) {
    const found = StringIndexOf(query, "&", start);
    const end = found === -1 ? query.length : found;
    if (end > start) {
      const part = StringSlice(query, start, end);
      const equals = StringIndexOf(part, "=");
      const name = equals === -1 ? part : StringSlice(part, 0, equals);
      const value = equals === -1 ? "" : StringSlice(part, equals + 1);
      append(pairs, { name: decodePart(name), value: decodePart(value) });
    }
    start = end + 1;
  }
  return pairs;
}

function isPlain(unit: number): boolean {
  if (unit >= 0x30 && unit <= 0x39) return true;
  const letter = unit | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || unit === 0x2a || unit === 0x2d || unit === 0x2e || unit === 0x5f;
}

function encodePart(part: string): string {
  let start = 0;
  while (start < part.length && isPlain(StringCharCodeAt(part, start))) start++;
  if (start === part.length) return part;
  const bytes = encodeUtf8(part);
  const out = new TextBuilder();
  for (let i = 0; ; i++) {
    const byte = bytes[i];
    if (byte === undefined) return out.take();
    if (byte === 0x20) out.add(0x2b);
    else if (isPlain(byte) && byte < 0x80) out.add(byte);
    else {
      out.add(0x25);
      out.add(StringCharCodeAt(HEX, byte >> 4));
      out.add(StringCharCodeAt(HEX, byte & 15));
    }
  }
}

/** The query for these pairs, without a "?". */
export function serializeForm(pairs: readonly { name: string; value: string }[]): string {
  let out = "";
  for (let i = 0; i < pairs.length; i++) {
    const { name, value } = pairs[i]!;
    out += `${i === 0 ? "" : "&"}${encodePart(name)}=${encodePart(value)}`;
  }
  return out;
}
