import { formatCount } from "../options/quantities.ts";
import { toJson } from "../output/to-json.ts";

/** Characters of a call's input that are shown before it is asked for. */
const MAX_INPUT = 2_000;

/** What a call is made with, as whoever decides about it sees it: where that is not all, it says so. */
export function shownInput(input: unknown): string {
  const text = toJson(input);
  if (text.length <= MAX_INPUT) return text;
  return `${text.slice(0, MAX_INPUT).toWellFormed()}… and ${formatCount(text.length - MAX_INPUT, "more character")}`;
}
