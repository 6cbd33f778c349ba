import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The files that declare the globals of scripts; the first leads to the others. */
export function globalTypeFiles(): string[] {
  const folder = join(dirname(createRequire(import.meta.url).resolve("geppetto-js/package.json")), "src");
  const first = join(folder, "globals.d.ts");
  const names = readFileSync(first, "utf8").matchAll(/^\/\/\/ <reference path="\.\/(.+)" \/>$/gm);
  return [first, ...Array.from(names, ([, name]) => join(folder, name!))];
}
