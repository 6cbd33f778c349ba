import { SafeString, SafeTypeError, StringToWellFormed } from "../../../src/shared/primordials.ts";

/** What the web platform calls a DOMString: anything becomes text, but a symbol is a TypeError. */
export function toDomString(value: unknown): string {
  if (typeof value === "symbol") throw new SafeTypeError("Cannot convert a Symbol value to a string");
  return SafeString(value);
}

/** A DOMString in which lone surrogates are U+FFFD. */
export function toUsvString(value: unknown): string {
  return StringToWellFormed(toDomString(value));
}
