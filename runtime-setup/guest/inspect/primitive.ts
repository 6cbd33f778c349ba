import {
  append,
  ArrayJoin,
  BigIntToString,
  MathTrunc,
  NumberIsFinite,
  NumberToString,
  SafeString,
  StringCharCodeAt,
  StringIncludes,
  StringIndexOf,
  StringRepeat,
  StringSlice,
  StringToUpperCase,
} from "../../../src/shared/primordials.ts";
import { symbolToString } from "./brands.ts";
import { type Context, plain, type Stylize } from "./context.ts";

const MIN_LINE_LENGTH = 16;
const APOSTROPHE = 0x27;
const NO_QUOTE = -1;

function escapeUnit(code: number): string {
  switch (code) {
    case 0x08:
      return "\\b";
    case 0x09:
      return "\\t";
    case 0x0a:
      return "\\n";
    case 0x0c:
      return "\\f";
    case 0x0d:
      return "\\r";
    case APOSTROPHE:
      return "\\'";
    case 0x5c:
      return "\\\\";
    default: {
      const hex = NumberToString(code, 16);
      return code > 0xff ? `\\u${hex}` : `\\x${code < 16 ? "0" : ""}${StringToUpperCase(hex)}`;
    }
  }
}

/** Escapes control characters, backslashes, lone surrogates and `quote`. */
export function escapeText(text: string, quote: number = APOSTROPHE): string {
  let out = "";
  let last = 0;
  for (let i = 0; i < text.length; i++) {
    const code = StringCharCodeAt(text, i);
    if (code >= 0xd800 && code <= 0xdfff) {
      const next = code <= 0xdbff && i + 1 < text.length ? StringCharCodeAt(text, i + 1) : 0;
      if (next >= 0xdc00 && next <= 0xdfff) {
        i++;
        continue;
      }
    } else if (code !== quote && code !== 0x5c && code > 0x1f && (code < 0x7f || code > 0x9f)) continue;
    out += StringSlice(text, last, i) + escapeUnit(code);
    last = i + 1;
  }
  return last === 0 ? text : out + StringSlice(text, last);
}

/** The string as a literal, in the first of `'`, `"` and backticks that needs no escape. */
export function quote(text: string): string {
  if (!StringIncludes(text, "'")) return `'${escapeText(text)}'`;
  if (!StringIncludes(text, '"')) return `"${escapeText(text, NO_QUOTE)}"`;
  if (!StringIncludes(text, "`") && !StringIncludes(text, "${")) return `\`${escapeText(text, NO_QUOTE)}\``;
  return `'${escapeText(text)}'`;
}

function groupDigits(digits: string): string {
  const start = digits[0] === "-" ? 1 : 0;
  let out = "";
  let i = digits.length;
  for (; i >= start + 4; i -= 3) out = `_${StringSlice(digits, i - 3, i)}${out}`;
  return StringSlice(digits, 0, i) + out;
}

function groupFraction(digits: string): string {
  let out = "";
  let i = 0;
  for (; i < digits.length - 3; i += 3) out += `${StringSlice(digits, i, i + 3)}_`;
  return out + StringSlice(digits, i);
}

export function formatNumber(stylize: Stylize, value: number, separator: boolean): string {
  if (value === 0 && 1 / value < 0) return stylize("-0", "number");
  const text = SafeString(value);
  if (!separator || !NumberIsFinite(value) || StringIncludes(text, "e")) return stylize(text, "number");
  if (MathTrunc(value) === value) return stylize(groupDigits(text), "number");
  const dot = StringIndexOf(text, ".");
  const fraction = groupFraction(StringSlice(text, dot + 1));
  return stylize(`${groupDigits(StringSlice(text, 0, dot))}.${fraction}`, "number");
}

export function formatBigInt(stylize: Stylize, value: bigint, separator: boolean): string {
  const text = BigIntToString(value);
  return stylize(`${separator ? groupDigits(text) : text}n`, "bigint");
}

export function formatPlainNumber(value: number | bigint): string {
  return typeof value === "bigint" ? formatBigInt(plain, value, false) : formatNumber(plain, value, false);
}

function formatString(stylize: Stylize, value: string, context: Context): string {
  let trailer = "";
  let text = value;
  if (text.length > context.maxStringLength) {
    const more = text.length - context.maxStringLength;
    text = StringSlice(text, 0, context.maxStringLength);
    trailer = `... ${more} more character${more > 1 ? "s" : ""}`;
  }
  const room = context.breakLength - context.indentation - 4;
  if (context.compact === true || text.length <= MIN_LINE_LENGTH || text.length <= room) {
    return stylize(quote(text), "string") + trailer;
  }
  const lines: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = StringIndexOf(text, "\n", start);
    const next = end === -1 ? text.length : end + 1;
    append(lines, stylize(quote(StringSlice(text, start, next)), "string"));
    start = next;
  }
  return ArrayJoin(lines, ` +\n${StringRepeat(" ", context.indentation + 2)}`) + trailer;
}

/** The text of anything that is neither an object nor a function. */
export function formatPrimitive(stylize: Stylize, value: unknown, context: Context): string {
  switch (typeof value) {
    case "string":
      return formatString(stylize, value, context);
    case "number":
      return formatNumber(stylize, value, context.numericSeparator);
    case "bigint":
      return formatBigInt(stylize, value, context.numericSeparator);
    case "boolean":
      return stylize(value ? "true" : "false", "boolean");
    case "symbol":
      return stylize(symbolToString(value), "symbol");
    default:
      return value === null ? stylize("null", "null") : stylize("undefined", "undefined");
  }
}
