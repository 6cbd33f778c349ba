// Checks that ops, kinds of entries and ways of delivery are named through src/shared/contract and nowhere as bare
// strings, so that a name that changes, or is wrong, does not compile: node scripts/check-contract.mjs [root]. Prints
// each place as file:line and exits with 1 if there is one.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { FRAMES } from "../src/shared/contract/frame-kinds.ts";
import { OPS } from "../src/shared/contract/ops.ts";
import { DELIVERY } from "../src/shared/contract/runs.ts";
import { blank, lineAt } from "./imports.mjs";

const CONTRACT = "src/shared/contract/";
const NAMES = new Map([
  ...Object.keys(OPS).map((name) => [name, `OPS.${name}`]),
  ...Object.keys(FRAMES).map((name) => [name, `FRAMES.${name}`]),
  ...Object.entries(DELIVERY).map(([key, name]) => [name, `DELIVERY.${key}`]),
]);

const root = resolve(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))));
let count = 0;
for (const folder of ["src", "runtime-setup"]) {
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.[cm]?[jt]s$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const file = path.slice(root.length + 1).replaceAll("\\", "/");
    if (file.startsWith(CONTRACT)) continue;
    const source = readFileSync(path, "utf8");
    for (const [offset, text] of blank(source).texts) {
      const name = NAMES.get(text);
      if (name === undefined) continue;
      console.log(`${file}:${lineAt(source, offset)}  names "${text}" in a string: use ${name} of ${CONTRACT}`);
      count++;
    }
  }
}
process.exitCode = count > 0 ? 1 : 0;
