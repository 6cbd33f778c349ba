import { pathFrom } from "../module-names.ts";
import type { PackageManifest } from "./package-manifest.ts";

/** Longest pattern that is tried, in characters, and most of them of one package, each choice in braces counted. */
const MAX_PATTERN_CHARS = 512;
const MAX_PATTERNS = 1_000;
/** Signs of what is not tried here: classes, groups, ranges and escapes. */
const UNTRIED = /[[\]()\\]|\.\./;

/** One pattern, a part for each folder on the way and one for the file. */
type Pattern = readonly string[];

/** What the packages say, read once: the pattern of each file that does something, or "any" where that is not clear. */
const readLists = new WeakMap<readonly unknown[], readonly Pattern[] | "any">();

/** Does a package say that this file of its own does nothing but export? */
export function isPure(manifest: PackageManifest | undefined, file: string): boolean {
  const listed = manifest?.fields["sideEffects"];
  if (typeof listed === "boolean") return !listed;
  if (manifest === undefined || !Array.isArray(listed)) return false;
  let patterns = readLists.get(listed);
  if (patterns === undefined) readLists.set(listed, (patterns = readList(listed)));
  if (patterns === "any") return false;
  const way = pathFrom(manifest.folder, file).split("/");
  return !patterns.some((pattern) => fits(way, pattern, "**", fitsName));
}

/**
 * The list is a stranger's: what could take long to try counts as a pattern of every file. Then no file of the package is
 * left out, which costs bytes and nothing else.
 */
function readList(listed: readonly unknown[]): readonly Pattern[] | "any" {
  const patterns: Pattern[] = [];
  for (const pattern of listed) {
    if (typeof pattern !== "string") continue;
    if (pattern.length > MAX_PATTERN_CHARS || UNTRIED.test(pattern)) return "any";
    const plain = pattern.replace(/^\.?\//, "");
    const choices = choicesOf(plain.includes("/") ? plain : `**/${plain}`, MAX_PATTERNS - patterns.length);
    if (choices === undefined) return "any";
    for (const choice of choices) patterns.push(choice.split("/").filter(Boolean));
  }
  return patterns;
}

/** A pattern with each choice of its braces in their place: undefined for braces without one, and for more than `max`. */
function choicesOf(pattern: string, max: number): string[] | undefined {
  const done: string[] = [];
  const open = [pattern];
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    // The innermost pair: what holds it is chosen from later.
    const braces = /\{([^{}]*)\}/.exec(text);
    if (braces === null) done.push(text);
    else {
      const choices = braces[1]!.split(",");
      if (choices.length < 2) return undefined;
      const after = text.slice(braces.index + braces[0].length);
      for (const choice of choices) open.push(text.slice(0, braces.index) + choice + after);
    }
    if (done.length + open.length > max) return undefined;
  }
  return done;
}

/** Does a pattern fit, in which `many` stands for any number of parts? Each part is looked at for each of the other side. */
function fits<Parts extends string | readonly string[]>(
  parts: Parts,
  pattern: Parts,
  many: string,
  isFit: (part: string, wanted: string) => boolean,
): boolean {
  let at = 0;
  let wantedAt = 0;
  let afterMany = -1;
  let manyUntil = 0;
  while (at < parts.length) {
    const wanted = pattern[wantedAt];
    if (wanted === many) {
      afterMany = ++wantedAt;
      manyUntil = at;
    } else if (wanted !== undefined && isFit(parts[at]!, wanted)) {
      at++;
      wantedAt++;
    } else if (afterMany >= 0) {
      // The last one stands for one part more; what the ones before it stand for can stay.
      at = ++manyUntil;
      wantedAt = afterMany;
    } else return false;
  }
  while (pattern[wantedAt] === many) wantedAt++;
  return wantedAt === pattern.length;
}

function fitsName(name: string, wanted: string): boolean {
  return fits(name, wanted, "*", (sign, wantedSign) => wantedSign === "?" || sign === wantedSign);
}
