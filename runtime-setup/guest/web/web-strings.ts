import { StringToWellFormed } from "../../../src/shared/primordials.ts";

/** What the web platform calls a DOMString: anything becomes text, but a symbol is a TypeError. */
export function toDomString(value: unknown): string {
  return `${value as string}`;
}

/** A DOMString in which lone surrogates are U+FFFD. */
export function toUsvString(value: unknown): string {
  return StringToWellFormed(`${value as string}`);
}
