import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const REFERENCE = /^\/\/\/ <reference path="\.\/(.+)" \/>\n/gm;
const FIRST = "globals.d.ts";

/** The types of all globals of scripts, as one file that needs no other. */
export function readAmbientTypes(): string {
  const folder = join(dirname(createRequire(import.meta.url).resolve("geppetto-js/package.json")), "src");
  const first = readFileSync(join(folder, FIRST), "utf8");
  const others = [...first.matchAll(REFERENCE)].map(([, name]) => readFileSync(join(folder, name!), "utf8"));
  // What its comment says of the package's own entry is not for this file.
  const own = first.slice(first.lastIndexOf('" />\n') + '" />\n'.length);
  return [own, ...others].map((text) => text.trim()).join("\n\n");
}

/** The names that these types declare for values. */
export function declaredNames(types: string): Set<string> {
  const declared = types.matchAll(/^declare (?:const|let|var|function|class) ([\w$]+)/gm);
  return new Set(Array.from(declared, ([, name]) => name!));
}
