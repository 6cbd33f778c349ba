import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { ModuleCopies } from "../../../src/modules/bundling/module-copies.ts";
import { ModuleFolder } from "../module-folder.ts";
import { bundleByAsking, bundleOf, orderFor, ROOT } from "./bundle-orders.ts";

const MINIFIED = `import{a}from"./a.js";import b from"./b.cjs";export const c=()=>{throw new Error(a+b.x)};`;

const CASES: Record<string, Record<string, string>> = {
  "ES modules": {
    "main.mjs": `import { a } from "./a.js"; import "./a.js"; import * as n from "./n/index.js"; console.log(a, n);`,
    "a.js": `export * from "./n/index.js"; export const a = 1; export default class { x = import.meta.url }`,
    "n/index.js": `import { a } from "../a.js"; export const n = () => a; export default function () {}`,
  },
  CommonJS: {
    "main.cjs": `const a = require("./a.cjs"); const b = require("./b"); module.exports = { a, b }; console.log(a.x);`,
    "a.cjs": `exports.x = 1; exports.again = require('./main.cjs'); if (false) require("./b");`,
    "b/index.js": `module.exports = function b() { return require("../a.cjs").x; };`,
  },
  "both kinds": {
    "main.mjs": `import c, { x } from "./c.cjs"; import d from "./d.js"; import j from "./j.json" with { type: "json" }; console.log(c, x, d, j.k);`,
    "c.cjs": `module.exports = { x: 1, d: require("./d.js"), j: require("./j.json") };`,
    "d.js": `export default 1; export const e = await import("./c.cjs");`.replace("await ", ""),
    "j.json": `{ "k": "import x from './d.js'" }`,
  },
  TypeScript: {
    "main.ts": `import type { T } from "./t.ts"; import { type U, v } from "./v.js"; import { W } from "./w.ts"; import x = require("./x.cts"); const t: T | U | W = v(1); console.log(t, x);`,
    "t.ts": `import { gone } from "./not-there.ts"; export interface T {}`,
    "v.ts": `export type U = string; export const v = <A,>(a: A): A => a; enum E { A = "import './t.ts'" }; console.log(E.A);`,
    "w.ts": `export interface W {}`,
    "x.cts": `export = 5;`,
    "part.tsx": "",
  },
  packages: {
    "main.mjs": `import p from "p";\nimport { used, again } from "q";\nimport fs from "opt";\nconsole.log(p, used, again, fs);`,
    "node_modules/p/package.json": `{ "name": "p", "main": "./lib/main.js", "browser": { "./lib/host.js": "./lib/web.js", "none": false } }`,
    "node_modules/p/lib/main.js": `var host = require("./host"); var none = require("none"); try { require("not-there"); } catch (e) { host.e = e.message; } exports.host = host; var events = require("events"); exports.b = Buffer.from("x");`,
    "node_modules/p/lib/web.js": `module.exports = { web: true };`,
    "node_modules/q/package.json": `{ "name": "q", "type": "module", "sideEffects": false, "exports": { "import": "./i.js", "require": "./r.cjs" } }`,
    "node_modules/q/i.js": `export { used } from "./used.js"; export { unused } from "./unused.js"; export { used as again } from "q";`,
    "node_modules/q/used.js": `export const used = 1; export const inner = 2;`,
    "node_modules/q/unused.js": `console.log("side effect"); export const unused = 1;`,
    "node_modules/opt/index.js": `module.exports = require("fs");`,
  },
  "names that are put together": {
    "main.mjs": `import { load } from "./load.mjs"; import "./a.mjs"; console.log(await load("a").catch((e) => e.message));`,
    "load.mjs": `import { a } from "./a.mjs"; export const load = (name) => import("./" + name + ".mjs"); load.a = a;`,
    "a.mjs": `export const a = 1;`,
  },
  "names that variables hold": {
    "main.mjs": `import "./a.mjs"; const name = "./a.mjs"; console.log(await import(name).catch((e) => e.message)); try { require(name); } catch (e) { console.log(e.message); }`,
    "a.mjs": `export const a = 1;`,
  },
  "names that differ in case alone, or say something to the bundler": {
    "main.mjs": `import a from "./x.mjs"; import b from "./n/X.mjs"; import p from "./package.json" with { type: "json" }; import t from "./tsconfig.json"; import q from "./.pnp.cjs"; import i from "./node_modules/index.js"; import j from "./n/index.js"; console.log(a, b, p, t, q, i, j);`,
    "x.mjs": `export default 1; import "tea";`,
    "n/X.mjs": `export default class X {}`,
    "package.json": `{ "type": "commonjs", "sideEffects": false, "browser": { "tea": false } }`,
    "tsconfig.json": `{ "compilerOptions": { "paths": { "*": ["./not-there.js"] } } }`,
    ".pnp.cjs": `module.exports = 1;`,
    "node_modules/index.js": `export default 2;`,
    "node_modules/tea/index.js": `console.log("tea");`,
    "n/index.js": `export default 3;`,
  },
  "a comment in front that ends in a dot": {
    "main.mjs": `// Do import this.\nimport { a } from "./a.mjs"; /* Or that. */ import "./a.mjs"; console.log(a);`,
    "a.mjs": `export const a = 1;`,
  },
  "texts that look like imports": {
    "main.mjs": `import { a } from "./a.mjs"; const t = 'import { a } from "./a.mjs"'; const u = \`\${a} require("./a.mjs")\`; console.log(t, u, /import "x"/);`,
    "a.mjs": `export const a = "require('./a.mjs')"; /* import "./a.mjs" */`,
  },
  "a text that is taken for an import": {
    // The expression is taken for a division, so that what follows seems to stand outside of the text.
    "main.mjs": "import { a } from './a.mjs'; if (a) /`/.test(a); const t = ' import \"./a.mjs\"; `'; console.log(t);",
    "a.mjs": `export const a = "x";`,
  },
  "signs of nobody's": {
    "main.mjs": `import { a } from "./a.mjs"; console.log(a, "\\uE001");`,
    "a.mjs": `import { b } from "./b.mjs"; export const a = "\uE000" + b;`,
    "b.mjs": `export const b = 1;`,
  },
  "lines that go on": {
    "main.mjs": MINIFIED.replace("export ", ""),
    "a.js": "export const a = 1;",
    "b.cjs": "exports.x = 2;",
  },
  "an import that leads nowhere": { "main.mjs": `import "./a.mjs";\nimport { x } from "./none.mjs";`, "a.mjs": "" },
  "an export that is not there": {
    "main.mjs": `import "./a.mjs";\nimport { x } from "./a.mjs"; console.log(x)`,
    "a.mjs": "",
  },
  "a module that does not parse": {
    "main.mjs": `import "./a.mjs";`,
    "a.mjs": `import "./b.mjs";\n let let;`,
    "b.mjs": "",
  },
  "a part that does not parse": {
    "main.mjs": `import("./a.mjs").catch((e) => console.log(e.message))`,
    "a.mjs": `\n let let;`,
  },
  "an address": {
    "main.mjs": `const a = await import("https://example.com/x.js").catch((e) => e.message); import("data:text/javascript,1");`,
  },
};

describe("a bundle of copies", () => {
  it.each(Object.entries(CASES))("is what the bundler makes by asking about each module: %s", async (_, files) => {
    using folder = new ModuleFolder(files);
    const name = Object.keys(files)[0]!;
    const order = orderFor(folder.path, name, files[name]!);
    const expected = await bundleByAsking(order);
    expect(await bundleOf(order)).toEqual(expected);
  });

  it("is that of packages, too", async () => {
    const code = `import * as z from "zod"; import yaml from "yaml"; import * as acorn from "acorn"; import fc from "fast-check"; import { Command } from "commander"; import { diffLines } from "diff"; console.log(z, yaml, acorn, fc, Command, diffLines);`;
    const order = orderFor(ROOT, "many-packages.mjs", code, [ROOT, realpathSync(join(ROOT, "node_modules"))]);
    const expected = await bundleByAsking(order);
    expect(expected).toHaveProperty("code");
    expect(await bundleOf(order)).toEqual(expected);
  });

  it("leaves no copies behind", async () => {
    const files = { "main.cjs": `console.log(require("./a.cjs"));`, "a.cjs": `module.exports = 1;` };
    using folder = new ModuleFolder(files);
    using place = new ModuleFolder();
    vi.stubEnv("TMPDIR", place.path);
    using made = vi.spyOn(ModuleCopies, "of");
    await bundleOf(orderFor(folder.path, "main.cjs", files["main.cjs"]));
    vi.unstubAllEnvs();
    expect(made.mock.results[0]?.value).toBeInstanceOf(ModuleCopies);
    expect(readdirSync(place.path)).toEqual([]);
  });
});
