import { chainBefore } from "../hints/call-chain.ts";
import { type Frame, offsetOf } from "../hints/source-frame.ts";
import type { Diagnostic } from "../type-check/parse-diagnostics.ts";

/** A name, a member or an argument that is not there, whatever else is right. */
const ALWAYS: ReadonlySet<string> = new Set(["TS2304", "TS2552", "TS2339", "TS2551"]);
/** What does not fit: of the standard library's functions JavaScript takes much that types do not. */
const OF_OURS: ReadonlySet<string> = new Set([
  "TS2322",
  "TS2345",
  "TS2353",
  "TS2554",
  "TS2555",
  "TS2561",
  "TS2559",
  "TS2739",
  "TS2740",
  "TS2741",
  "TS2769",
  "TS2820",
]);
/** A comparison that no value can make true, such as with a misspelt state. */
const COMPARISON = "TS2367";
/** How far before a place the call that it belongs to is looked for, in characters. */
const MAX_BACK = 4_000;
/** Longest name that the code is searched for. */
const MAX_NAME = 100;

/**
 * Is this certainly wrong? Where it is not, the code runs: what a model writes is JavaScript, in which much works that a
 * compiler of types does not like.
 *
 * @param names the names that our declarations have for values
 */
export function doesMatter(problem: Diagnostic, source: string, names: readonly string[]): boolean {
  const { code, message, line, column } = problem;
  if (line === undefined || column === undefined) return false;
  const offset = offsetOf({ source, line, column } as Frame);
  if (code === COMPARISON) return true;
  if (isUncertain(problem)) return false;
  if (ALWAYS.has(code)) return !isGuarded(message, source, offset);
  return OF_OURS.has(code) && belongsToCallOf(names, source, offset);
}

/** May it be right all the same? A union may hold the member that it needs, and a text may be one of those that are meant. */
function isUncertain({ code, message, details }: Diagnostic): boolean {
  if (code === "TS2339" || code === "TS2551") return details.some((detail) => detail.startsWith("Property '"));
  return [message, ...details].some((text) => {
    const [, from, to = ""] =
      /^Type '(string|number)(?: \| undefined)?' is not assignable to type '(.*)'\.$/.exec(text) ?? [];
    return (from === "string" && to.includes('"')) || (from === "number" && /(?:^|\| )-?\d/.test(to));
  });
}

/** Does the code itself ask whether it is there, or make it? */
function isGuarded(message: string, source: string, offset: number): boolean {
  const [, name] = /^(?:Cannot find name|Property) '([^']+)'/.exec(message) ?? [];
  if (name === undefined || name.length > MAX_NAME) return false;
  const word = name.replaceAll("$", "\\$");
  if (message.startsWith("Cannot find name"))
    return new RegExp(String.raw`\btypeof\s+${word}\b|(?<![\w$.])${word}\s*=(?![=>])`).test(source);
  const after = source.slice(offset + name.length, offset + name.length + 3).trimStart();
  const isAssigned = /^\s*=(?![=>])/.test(source.slice(offset + name.length, offset + name.length + 4));
  return after.startsWith("?.") || after.startsWith("??") || isAssigned || /\bin\s+\w/.test(source);
}

/** Goes outwards through the brackets that are open here: is one of them the call of such a function? */
function belongsToCallOf(names: readonly string[], source: string, offset: number): boolean {
  let depth = 0;
  // A call with too few arguments is told of at its name.
  const here = /^[\w$.]+/.exec(source.slice(offset, offset + 200))?.[0] ?? "";
  if (isOneOf(names, here) || isOneOf(names, chainBefore(source, offset) ?? "")) return true;
  for (let at = offset - 1; at >= Math.max(0, offset - MAX_BACK); at--) {
    const letter = source[at]!;
    if (")]}".includes(letter)) depth++;
    else if ("([{".includes(letter) && --depth < 0) {
      depth = 0;
      if (letter === "(" && isOneOf(names, /[\w$.]+\s*$/.exec(source.slice(Math.max(0, at - 200), at))?.[0] ?? ""))
        return true;
    }
  }
  return false;
}

function isOneOf(names: readonly string[], chain: string): boolean {
  const [first = ""] = chain.trim().split(".");
  return names.includes(first);
}
