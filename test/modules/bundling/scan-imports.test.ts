import { describe, expect, it } from "vitest";
import { mayFindFiles } from "../../../src/modules/bundling/may-find-files.ts";
import { scanImports } from "../../../src/modules/bundling/scan-imports.ts";

const specifiers = (text: string): string[] | undefined =>
  scanImports(text)?.map(({ specifier, isRequire }) => (isRequire ? `require ${specifier}` : specifier));

describe("scanImports()", () => {
  it.each<[string, string[]]>([
    [`import a from "a"; import {b} from 'b';import"c"`, ["a", "b", "c"]],
    [`export * from "a"; export {b as c}from"b"; export * as d from 'd'`, ["a", "b", "d"]],
    [`import a, { b,\n c /* and { */, // d\n e } from "f"`, ["f"]],
    [`import type { T } from "t"; import x = require("x");`, ["t", "require x"]],
    [
      `const a = await import("a"); import( /* webpackChunkName: "x" */ 'b' ); import("c", { with: {} })`,
      ["a", "b", "c"],
    ],
    [`const a = require("a"); f(...require('b')); (0, require("c"))`, ["require a", "require b", "require c"]],
    [`import j from "./j.json" with { type: "json" }`, ["./j.json"]],
    [
      `// import a from "a"\n/* import b from "b" */ const s = 'import c from "c"'; const t = \`import d from "d"\``,
      [],
    ],
    [
      `const t = \`\${require("a")} import b from "b" \${\`\${require("c")}\`} \`; require("d")`,
      ["require a", "require c", "require d"],
    ],
    [`const r = /["'\`]/.test(x); import("a"); const q = a / b; const s = c / "d"; import("e")`, ["a", "e"]],
    [`return /[/"]/g; require("a")`, ["require a"]],
    [`x.import("a"); x.require("b"); $require("c"); this.#import("d"); important("e")`, []],
    [`export const from = "a"; export const x = Array.from\n"b"; export default "c"`, []],
    [`const x = {"from": "a"}; import.meta.url; require.resolve("b")`, []],
    [`import("a" + b); require("c" + d); import(\`e\`)`, []],
    [`#!/usr/bin/env 'node\nimport "a"`, ["a"]],
    [`"a\\\nb"; import "c"`, ["c"]],
    [`import "a\\u0062"`, []],
  ])("finds what is written out: %s", (text, found) => {
    expect(specifiers(text)).toEqual(found);
  });

  it("tells where the names stand, with their quotes", () => {
    const text = `import a from "./a.js"; const b = require('b');`;
    expect(scanImports(text)!.map(({ start, end }) => text.slice(start, end))).toEqual([`"./a.js"`, `'b'`]);
  });

  it.each([`const a = "b\n"`, "const a = `b", "/* a", "const a = `${`b`", "x = /a\n/"])(
    "gives up where a text, a comment or an expression does not end: %s",
    (text) => {
      expect(scanImports(`${text}; import "c"`)).toBeUndefined();
    },
  );

  it.each([
    ["quotes", `"`],
    ["comments", "/*"],
    ["slashes", "=/["],
    ["templates", "`${"],
    ["escapes", "'\\"],
    ["imports", "import "],
    ["calls", "require("],
    ["calls with spaces", `import${" ".repeat(500)}(`],
    ["braces", "`${{"],
  ])("takes time that grows with the text alone, for many %s", (_, part) => {
    const time = (length: number): number => {
      const text = part.repeat(length / part.length);
      const before = process.cpuUsage();
      scanImports(text);
      mayFindFiles(text, "js");
      mayFindFiles(text, "ts");
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    time(1e5);
    // Whatever grows with the square of the length takes minutes for this.
    expect(time(8e6)).toBeLessThan(4_000);
  });
});

describe("mayFindFiles()", () => {
  it.each([
    `import("./" + name)`,
    "import(`./${name}`)",
    `import /* a */ ("./" + name)`,
    `import // a\n("./" + name)`,
    `import\n(\n"./" + name)`,
    `import("./a", b) ; import(c + "")`,
    `import((c))`,
    `require(c\\u0041)`,
    `require(c /**/)`,
    "import(c`./${name}`)",
    `require(c ? "./a" : "./" + name)`,
    `require("./" + name)`,
    "require(`./${name}.js`)",
    `(require)("./" + name)`,
    `((require))("./" + name)`,
    `require?.("./" + name)`,
    `require /**/ ("./" + name)`,
    `require.resolve("./" + name)`,
    `require . resolve("./" + name)`,
    `r\\u0065quire("./" + name)`,
    `\\u{72}equire("./" + name)`,
    `"'\`/*"; import("./" + name)`,
    `import.source("./" + name)`,
  ])("says so of a name that is put together: %s", (text) => {
    expect(mayFindFiles(text, "js")).toBe(true);
    expect(mayFindFiles(text, "ts")).toBe(true);
  });

  it.each([
    `(require as any)("./" + name)`,
    `require<any>("./" + name)`,
    `require!("./" + name)`,
    `(<any>require)("./" + name)`,
    // It may be a member of an enum, whose text the bundler puts in its place.
    `import(E.A)`,
    `require(A)`,
  ])("says so in TypeScript: %s", (text) => {
    expect(mayFindFiles(text, "ts")).toBe(true);
  });

  it.each([
    `import a from "a"; import { b } from './b'; import "c"; import * as d from "d"; import.meta.url`,
    `await import("./a.js"); import( 'b' ); require("./c"); require.resolve("d"); require.main === module`,
    `typeof require === "function" && require; define(require, exports); "\\u200b\\ue001"`,
    `// what you import, and require`,
    `import(name); import( options.name, { with: {} }); require(name); require( $a._b )`,
    `"co\\u006Estructor"`,
  ])("does not say so of what is written out: %s", (text) => {
    expect(mayFindFiles(text, "js")).toBe(false);
  });
});
