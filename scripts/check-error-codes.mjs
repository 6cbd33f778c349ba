// Checks that the catalogue of error codes (src/errors) and the code agree: node scripts/check-error-codes.mjs [root].
// Prints each code that the catalogue lacks, as file:line, and each that nothing uses, and exits with 1 if there is one.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { blank, lineAt } from "./imports.mjs";

const CATALOGUE = "src/errors";
/** Codes of Node's own that the code compares with and never gives to an error. */
const COMPARED_ONLY = new Set(["ERR_MODULE_NOT_FOUND"]);

const root = resolve(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))));
const { ERROR_GROUPS } = await import(pathToFileURL(join(root, CATALOGUE, "error-catalogue.ts")).href);
const known = new Set(ERROR_GROUPS.flatMap(({ errors }) => Object.keys(errors)));

const used = new Set();
let count = 0;
for (const file of [...sourceFiles("src"), ...sourceFiles("runtime-setup")]) {
  const source = readFileSync(join(root, file), "utf8");
  for (const [offset, text] of blank(source).texts) {
    if (!/^ERR_[A-Z0-9_]+$/.test(text) || COMPARED_ONLY.has(text)) continue;
    used.add(text);
    if (!known.has(text))
      report(`${file}:${lineAt(source, offset)}  ${text} is not in the catalogue: describe it there`);
  }
}
for (const code of known) {
  if (!used.has(code)) report(`${CATALOGUE}  ${code} is in the catalogue, and nothing uses it: take it out`);
}
process.exitCode = count > 0 ? 1 : 0;

function report(text) {
  console.log(text);
  count++;
}

function sourceFiles(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((file) => !file.startsWith(`${CATALOGUE}/`))
    .sort();
}
