import { GeppettoError } from "../../shared/errors.ts";
import { configError, type Position, type Source } from "../config-error.ts";
import { findExportedOptions } from "./exported-options.ts";
import { NotLiteral, type Literal } from "./literal-reader.ts";
import { ScriptTokens, TokenError } from "./script-tokens.ts";

/** A script's `export const options`: its value, and where its parts stand. */
export interface ScriptOptionsLiteral extends Source {
  value: unknown;
}

/** Longest script in which options are looked for, in characters: no longer one is run. */
const MAX_SCRIPT_CHARS = 8_000_000;

const HOW = "write them as export const options = { … }, without names, calls and ${…}";

/**
 * Reads `export const options = { … }` of a module without running it; undefined where it exports no options. Texts,
 * numbers, true, false, null, lists and objects may stand in it, and templates without `${…}`. Reads the script's tokens
 * up to there, in time that grows with their number alone. A script that does not parse is the engine's to report,
 * unless it looks as if it had options.
 *
 * @param label the script's name in errors.
 * @throws {GeppettoError} ConfigError with line and column for options that are not a literal; with the code
 *   ERR_SCRIPT_LOAD for options in a script that does not parse up to there, or is too large.
 * @example
 * readScriptOptions(`export const options = { chat: { seed: 7 } };`, "a.js")?.value; // { chat: { seed: 7 } }
 */
export function readScriptOptions(source: string, label: string): ScriptOptionsLiteral | undefined {
  if (!/\bexport\b/.test(source) || !/\boptions\b/.test(source)) return undefined;
  if (source.length > MAX_SCRIPT_CHARS) {
    throw notLoaded(label, `the script is larger than ${MAX_SCRIPT_CHARS} characters`);
  }
  const positionAt = (offset: number): Position => positionIn(source, offset);
  try {
    const found = findExportedOptions(new ScriptTokens(source));
    return found && { label, value: found.value, locate: (path, part) => positionAt(locate(found, path, part)) };
  } catch (error) {
    if (error instanceof NotLiteral) {
      const place = placeIn(label, positionAt(error.offset));
      throw configError(place, `a script's options must be a literal: ${HOW}`, "ERR_CONFIG_SCRIPT");
    }
    if (!(error instanceof TokenError)) throw error;
    if (!/\bexport\s+(?:const|let|var)\s+options\b/.test(source)) return undefined;
    const what = error.message.charAt(0).toLowerCase() + error.message.slice(1);
    throw notLoaded(placeIn(label, positionAt(error.offset)), what);
  }
}

function notLoaded(place: string, what: string): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot read the options of ${place}: ${what}`, { code: "ERR_SCRIPT_LOAD" });
}

function locate(root: Literal, path: readonly string[], part: "key" | "value"): number {
  let found = root.start;
  let literal = root;
  for (const [depth, name] of path.entries()) {
    const member = literal.members.get(name);
    if (member === undefined) break;
    literal = member.literal;
    found = depth === path.length - 1 && part === "key" ? member.keyStart : literal.start;
  }
  return found;
}

function positionIn(source: string, offset: number): Position {
  const before = source.slice(0, offset).split(/\r\n|[\n\r\u2028\u2029]/);
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

function placeIn(label: string, { line, column }: Position): string {
  return `${label}:${line}:${column}`;
}
