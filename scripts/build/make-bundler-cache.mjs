// Makes V8's code cache of the bundler's program, for the V8 that this runs with: node make-bundler-cache.mjs <dist>. It
// puts a script together once, so that what most scripts need is compiled and the rest is not.
import { mkdtempSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Script } from "node:vm";
import { bundlerProgram } from "../../dist/src/modules/bundler-program.js";

const dist = process.argv[2];
const filename = join(dist, "serve-bundler.cjs");
const script = new Script(readFileSync(filename, "utf8"), { filename });
const { bundleModules } = script.runInThisContext()(createRequire(filename), filename, dist);
const folder = realpathSync(mkdtempSync(join(tmpdir(), "geppetto-js-build-")));
const code = `import { a } from "./a.js"; import b from "tea"; import data from "./data.json"; console.log(a, b, data);`;
const files = {
  "a.js": `export const a: number = 1; /* an \`example\` */`.replace(": number", ""),
  "data.json": "{}",
  "node_modules/tea/package.json": `{ "name": "tea", "main": "main.js" }`,
  "node_modules/tea/main.js": `exports.path = require("path"); exports.part = require("./part");`,
  "node_modules/tea/part.js": "module.exports = 1;",
};
for (const [name, text] of Object.entries(files)) {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), text);
}
const rules = { paths: undefined, packages: [] };
const shims = join(dist, "shims");
const order = {
  name: "main.mjs",
  code,
  folder,
  rules,
  maxUses: 100,
  shims,
  bundler: bundlerProgram(),
  keepAs: undefined,
};
const result = await bundleModules(order);
rmSync(folder, { recursive: true });
if (!("bundle" in result)) throw new Error(`The bundler made no bundle: ${JSON.stringify(result)}`);
writeFileSync(join(dist, `serve-bundler-${process.versions.v8}.cache`), script.createCachedData());
