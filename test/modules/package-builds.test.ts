import { describe, expect, it } from "vitest";
import { ModuleFolder } from "./module-folder.ts";

type Files = Record<string, string>;

/** The files of a package in `node_modules`. */
function pkg(name: string, manifest: object, files: Files): Files {
  const all = { "package.json": JSON.stringify({ name, ...manifest }), ...files };
  return Object.fromEntries(Object.entries(all).map(([file, text]) => [`node_modules/${name}/${file}`, text]));
}

/** Files of a package, each of which tells that it has run. */
const EFFECTS = ["one", "other", "deep/one", "deep/x.css", "deep/er/x.ees", "x.css", "abcd", "abd"];

async function valueOf(code: string, files: Files): Promise<unknown> {
  using folder = new ModuleFolder({ "main.mjs": code, ...files });
  const { value, error } = await folder.run("main.mjs");
  expect(error).toBeUndefined();
  return value;
}

describe("a package", () => {
  it.each<[string, string, Files, unknown]>([
    [
      "gives its part for browsers, which finds self",
      `import b from "brow"; export default b;`,
      pkg(
        "brow",
        { main: "main.js", browser: "web.js" },
        { "main.js": `module.exports = "main";`, "web.js": `module.exports = self === globalThis ? "web" : "odd";` },
      ),
      "web",
    ],
    [
      "gives what Node would give before its part for bundlers",
      `import it from "two"; export default it();`,
      pkg(
        "two",
        { main: "main.js", module: "module.js" },
        { "main.js": `module.exports = () => "main";`, "module.js": `export const it = 1;` },
      ),
      "main",
    ],
    [
      "gives its part for bundlers where its main file hands require on",
      `import { it } from "umd"; export default it;`,
      pkg(
        "umd",
        { main: "umd.js", module: "module.js" },
        {
          "umd.js": `(function (factory) { var v = factory(require, exports); })(function (require, exports) { exports.it = require("./x"); });`,
          "module.js": `export const it = "module";`,
        },
      ),
      "module",
    ],
    [
      "gives its part for browsers among its exports, whatever their order for others",
      `import it from "cond"; export default it;`,
      pkg(
        "cond",
        { exports: { ".": { node: "./node.js", browser: "./web.js", default: "./any.js" } } },
        { "node.js": "module.exports = 1", "web.js": "module.exports = 2", "any.js": "module.exports = 3" },
      ),
      2,
    ],
    [
      "is meant by its name with a slash, where Node has a module of that name",
      `import it from "asks-slash"; export default it;`,
      {
        ...pkg("asks-slash", {}, { "index.js": `module.exports = require("process/");` }),
        ...pkg(
          "process",
          { main: "main.js", browser: "web.js" },
          { "main.js": "module.exports = process;", "web.js": "module.exports = 'own';" },
        ),
      },
      "own",
    ],
    [
      "gives its part for workers before that for browsers, where it names it first",
      `import it from "work"; export default it;`,
      pkg(
        "work",
        { exports: { worker: "./worker.js", browser: "./dom.js", default: "./any.js" } },
        { "worker.js": "module.exports = 1", "dom.js": "module.exports = document", "any.js": "module.exports = 3" },
      ),
      1,
    ],
    [
      "gives its part for Node where it has no other",
      `import it from "only"; export default it;`,
      pkg("only", { exports: { node: "./node.js" } }, { "node.js": "module.exports = 1" }),
      1,
    ],
    [
      "gives import and require what each asks for",
      `import it from "dual"; import { required } from "asks"; export default [it, required];`,
      {
        ...pkg(
          "dual",
          { exports: { ".": { import: "./i.mjs", require: "./r.cjs" } } },
          { "i.mjs": `export default "import";`, "r.cjs": `module.exports = "require";` },
        ),
        ...pkg("asks", {}, { "index.js": `exports.required = require("dual");` }),
      },
      ["import", "require"],
    ],
    [
      "gives parts by patterns",
      `import { n } from "@scope/parts/feature/one"; export default n;`,
      pkg(
        "@scope/parts",
        { exports: { "./feature/*": "./lib/*.mjs", "./feature/hidden": null } },
        { "lib/one.mjs": "export const n = 1;" },
      ),
      1,
    ],
    [
      "uses names of its own",
      `import it from "own"; export default it;`,
      pkg(
        "own",
        { exports: "./index.mjs", imports: { "#dep": { browser: "./web.mjs", default: "./node.mjs" } } },
        {
          "index.mjs": `export { default } from "#dep";`,
          "web.mjs": `export default "web";`,
          "node.mjs": `export default "node";`,
        },
      ),
      "web",
    ],
    [
      "uses itself by its name",
      `import it from "self-named"; export default it;`,
      pkg(
        "self-named",
        { exports: { ".": "./a.mjs", "./b": "./b.mjs" } },
        { "a.mjs": `export { b as default } from "self-named/b";`, "b.mjs": "export const b = 7;" },
      ),
      7,
    ],
    [
      "may be JSON in part",
      `import it from "json"; export default it;`,
      pkg(
        "json",
        {},
        { "index.js": `module.exports = require("./data").n + require("./data.json").n;`, "data.json": `{ "n": 2 }` },
      ),
      4,
    ],
    [
      "is of its own type",
      `import it from "typed"; export default it;`,
      {
        ...pkg(
          "typed",
          { type: "module", main: "index.js" },
          { "index.js": `import cjs from "babel"; export default typeof cjs.default;` },
        ),
        ...pkg("babel", {}, { "index.js": `exports.__esModule = true; exports.default = () => {};` }),
      },
      "function",
    ],
    [
      "drops what it says it has no need of, and nothing else",
      `import { a } from "pure"; export default [a, globalThis.effects];`,
      pkg(
        "pure",
        { sideEffects: ["./effect.js"], module: "index.js" },
        {
          "index.js": `export { a } from "./a.js"; export { b } from "./b.js"; import "./effect.js";`,
          "a.js": "export const a = 1;",
          "b.js": "globalThis.effects = 'b'; export const b = 2;",
          "effect.js": "globalThis.effects = (globalThis.effects ?? '') + 'effect';",
        },
      ),
      [1, "effect"],
    ],
    [
      "says by patterns which of its files do something",
      `import "effects"; export default globalThis.effects;`,
      pkg(
        "effects",
        { sideEffects: ["/index.js", "one.js", "deep/**/*.{css,e?s}.js", "./a*c*.js"], module: "index.js" },
        Object.fromEntries([
          ["index.js", EFFECTS.map((name) => `import "./${name}.js";`).join("")],
          ...EFFECTS.map((name) => [`${name}.js`, `globalThis.effects = (globalThis.effects ?? "") + "${name} ";`]),
        ]),
      ),
      "one deep/one deep/x.css deep/er/x.ees abcd ",
    ],
    ...[
      // Tried one choice at a time, the first is a matter of hours.
      `${"{a,b}".repeat(25)}*`,
      `${"*(a|".repeat(20)}b${")".repeat(20)}*`,
      "{1..99999999}",
      "[a-z]*",
      "*".repeat(600),
    ].map((pattern): [string, string, Files, unknown] => [
      `keeps all its files for a pattern that is not tried: ${pattern.slice(0, 20)}`,
      `import "unclear"; export default globalThis.effect;`,
      pkg(
        "unclear",
        { sideEffects: [pattern], module: "index.js" },
        { "index.js": `import "./x.js";`, "x.js": "globalThis.effect = 1;" },
      ),
      1,
    ]),
  ])("%s", async (_, code, files, value) => {
    expect(await valueOf(code, files)).toEqual(value);
  });

  it("says what it does not export", async () => {
    using folder = new ModuleFolder({
      "main.mjs": `import "shut/part";`,
      ...pkg("shut", { exports: { ".": "./index.js" } }, { "index.js": "", "part.js": "" }),
    });
    const { error } = await folder.run("main.mjs");
    expect(error?.message).toBe(
      `Cannot import "shut/part": the package "shut" does not export it [file:///main.mjs:1:8]`,
    );
  });
});

describe("a script's own modules", () => {
  it.each<[string, string, Files, unknown]>([
    [
      "take module.exports for the default of a package that is CommonJS, as in Node",
      `import it, { named } from "babel"; export default [it.default, named];`,
      pkg("babel", {}, { "index.js": `exports.__esModule = true; exports.default = 1; exports.named = 2;` }),
      [1, 2],
    ],
    [
      "may be CommonJS without saying so",
      `import own from "./own.js"; export default own.n;`,
      { "own.js": `module.exports = { n: 3 };` },
      3,
    ],
    [
      "may be TypeScript with types of others",
      `import { n } from "./own.ts"; export default n;`,
      {
        "own.ts": `import type { T } from "./types.ts"; import { type U, v } from "./types.ts"; export const n: T | U = v;`,
        "types.ts": "export type T = number; export type U = string; export const v = 4;",
      },
      4,
    ],
  ])("%s", async (_, code, files, value) => {
    expect(await valueOf(code, files)).toEqual(value);
  });
});

describe("a module of Node's", () => {
  it.each<[string, string, unknown]>([
    [
      "events",
      `import EventEmitter, { once } from "node:events"; const e = new EventEmitter(); setTimeout(() => e.emit("a", 1), 1); export default (await once(e, "a"));`,
      [1],
    ],
    [
      "util",
      `import { format, inspect, inherits, promisify, types, stripVTControlCharacters, isDeepStrictEqual } from "util"; export default [format("%s-%d", "a", 1), await promisify((n, end) => end(null, n + 1))(1), types.isDate(new Date()), typeof inspect, typeof inherits, stripVTControlCharacters("\\u001b[31mx\\u001b[0m"), isDeepStrictEqual({ a: [1] }, { a: [1] })];`,
      ["a-1", 2, true, "function", "function", "x", true],
    ],
    [
      "path",
      `import path, { join } from "node:path"; export default [join("a", "../b"), path.posix.extname("x.js")];`,
      ["b", ".js"],
    ],
    [
      "url",
      `import { fileURLToPath, parse, URL as Own } from "url"; export default [fileURLToPath("file:///a%20b"), parse("http://x/y?z").query, Own === URL];`,
      ["/a b", "z", true],
    ],
    [
      "querystring",
      `import { parse, stringify } from "querystring"; export default [{ ...parse("a=1&a=2") }, stringify({ b: "ü" })];`,
      [{ a: ["1", "2"] }, "b=%C3%BC"],
    ],
    [
      "string_decoder",
      `import { StringDecoder } from "string_decoder"; const d = new StringDecoder(); export default d.write(Uint8Array.of(0xc3)) + d.write(Uint8Array.of(0xbc));`,
      "ü",
    ],
    [
      "assert",
      `import assert from "node:assert/strict"; let told; try { assert.deepEqual({ a: 1 }, { a: 2 }); } catch (error) { told = error.code; } export default told;`,
      "ERR_ASSERTION",
    ],
    [
      "buffer",
      `import { Buffer } from "buffer"; export default [Buffer.from("ü").toString("hex"), Buffer.concat([Buffer.from([1]), Buffer.from([2])]).length];`,
      ["c3bc", 2],
    ],
    [
      "stream",
      `import { Readable, Transform } from "node:stream"; import { pipeline } from "node:stream/promises"; const out = []; await pipeline(Readable.from(["a", "b"]), new Transform({ objectMode: true, transform(x, _, end) { end(null, x.toUpperCase()); } }), async (source) => { for await (const x of source) out.push(String(x)); }); export default out;`,
      ["A", "B"],
    ],
    [
      "timers/promises",
      `import { setTimeout as sleep } from "timers/promises"; export default await sleep(1, "late");`,
      "late",
    ],
    [
      "process",
      `import process from "node:process"; process.nextTick(() => {}); export default [process.cwd(), process.env === globalThis.process.env, typeof process.hrtime.bigint()];`,
      ["/", true, "bigint"],
    ],
    [
      "punycode",
      `import punycode from "punycode"; export default punycode.toASCII("mañana.com");`,
      "xn--maana-pta.com",
    ],
  ])("that is plain JavaScript is there by a shim: %s", async (_, code, value) => {
    expect(await valueOf(code, {})).toEqual(value);
  });

  it.each([
    ["fs", "give a file with --input and read it with input()"],
    ["node:child_process", "processes are the host app's to start"],
    ["https", "connections are the host app's to make"],
    ["node:crypto", "use crypto.randomUUID(), crypto.getRandomValues() or a package"],
    ["node:sqlite", ""],
  ])("that is not names what to use instead: %s", async (name, instead) => {
    using folder = new ModuleFolder({ "main.mjs": `import "${name}";` });
    const { error, end } = await folder.run("main.mjs");
    const rest = instead === "" ? "" : `; ${instead}`;
    expect(error?.message).toBe(
      `Cannot import "${name}": scripts have nothing of Node's own${rest} [file:///main.mjs:1:8]`,
    );
    expect(end).toBe("load");
  });

  it("that a package imports fails when the package uses it", async () => {
    const files = pkg(
      "reads",
      { type: "module" },
      {
        "index.js": `import fs, { readFileSync } from "node:fs"; import { createHash } from "crypto"; export const pure = () => 1; export const read = () => readFileSync("x"); export const other = () => fs.promises.readFile("x"); export const hash = () => createHash("md5");`,
      },
    );
    const code = `import { pure, read, other, hash } from "reads"; const told = [pure()]; for (const f of [read, other, hash]) try { f(); } catch (error) { told.push(error.message.split(":")[0]); } export default told;`;
    expect(await valueOf(code, files)).toEqual([
      1,
      "Cannot use readFileSync",
      "Cannot use readFile",
      "Cannot use createHash",
    ]);
  });
});

describe("a package that uses globals of Node's", () => {
  it("finds Buffer, process.nextTick and global", async () => {
    const files = pkg(
      "nodish",
      {},
      {
        "index.js": `exports.hex = (text) => Buffer.from(text).toString("hex"); exports.later = () => new Promise((end) => process.nextTick(end, "ticked")); exports.same = global === globalThis; exports.has = typeof Buffer;`,
      },
    );
    expect(
      await valueOf(
        `import { hex, later, same, has } from "nodish"; export default [hex("ü"), await later(), same, has];`,
        files,
      ),
    ).toEqual(["c3bc", "ticked", true, "function"]);
  });

  it("and one that makes its own keeps that", async () => {
    const files = pkg(
      "own-buffer",
      {},
      { "index.js": `var Buffer = { from: () => "own" }; exports.it = Buffer.from("x");` },
    );
    expect(await valueOf(`import { it } from "own-buffer"; export default it;`, files)).toBe("own");
  });

  it("is not told that it runs in Node", async () => {
    const files = pkg(
      "asks",
      {},
      { "index.js": `exports.told = [Object.prototype.toString.call(process), typeof process.versions];` },
    );
    expect(await valueOf(`import { told } from "asks"; export default told;`, files)).toEqual([
      "[object Object]",
      "undefined",
    ]);
  });
});
