import { describe, expect, it } from "vitest";
import { ModuleFolder } from "./module-folder.ts";

const TELL = (expression: string): string =>
  `import "./fine.mjs"; const told = await (async () => { try { ${expression}; return "there"; } catch (error) { return [error.name, error.code, error.message.split(":")[0]].join(" "); } })(); export default told;`;

describe("what a script may do without", () => {
  it.each([
    [`await import("not-there")`, `Error ERR_MODULE_NOT_FOUND Cannot import "not-there"`],
    [`await import("@scope/not-there/part.js")`, `Error ERR_MODULE_NOT_FOUND Cannot import "@scope/not-there"`],
    [`require("not-there")`, `Error MODULE_NOT_FOUND Cannot import "not-there"`],
    [`await import("./not-there.mjs")`, `Error ERR_MODULE_NOT_FOUND Cannot import "./not-there.mjs"`],
    [
      `await import("./not-there.json", { with: { type: "json" } })`,
      `Error ERR_MODULE_NOT_FOUND Cannot import "./not-there.json"`,
    ],
    [`await import("has/none")`, `Error ERR_MODULE_NOT_FOUND Cannot import "has/none"`],
    [`await import("#none")`, `Error ERR_MODULE_NOT_FOUND Cannot import "#none"`],
    [`await import("https://example.com/x.js")`, `Error ERR_MODULE_NOT_FOUND Cannot import "https`],
    [`await import("../shut.mjs")`, `PermissionError ERR_PERMISSION import denied`],
    [`await import("./needs.mjs")`, `Error ERR_MODULE_NOT_FOUND Cannot import "not-there"`],
    [`await import("./broken.mjs")`, `SyntaxError  Unexpected ";"`],
    [`await import("./unmatched.mjs")`, `SyntaxError  No matching export in "fine.mjs" for import "none"`],
    [`await import("node:fs").then((fs) => fs.readFileSync("x"))`, `Error  Cannot use readFileSync`],
    [`await import("./fine.mjs")`, `there`],
  ])("fails while it runs, and can be caught: %s", async (expression, told) => {
    using folder = new ModuleFolder({
      "app/main.mjs": TELL(expression),
      "app/needs.mjs": `import it from "not-there"; export default it;`,
      "app/broken.mjs": "const x = ;",
      "app/unmatched.mjs": `import { none } from "./fine.mjs"; console.log(none);`,
      "app/fine.mjs": "export const some = 1;",
      "app/node_modules/has/package.json": `{ "name": "has", "exports": "./index.js" }`,
      "app/node_modules/has/index.js": "module.exports = 1;",
      "shut.mjs": "export default 1;",
    });
    const { error, value } = await folder.run("app/main.mjs");
    expect(error).toBeUndefined();
    expect(value).toBe(told);
  });

  it("is caught again where it is asked for again", async () => {
    using folder = new ModuleFolder({
      "main.mjs": `let count = 0; for (let i = 0; i < 3; i++) await import("not-there").catch(() => count++); export default count;`,
    });
    expect((await folder.run("main.mjs")).value).toBe(3);
  });

  it("leaves a package its own way, however deep it lies", async () => {
    using folder = new ModuleFolder({
      "main.mjs": `import o from "optd"; import e from "esm-optd"; console.log(o.kind, await e());`,
      "node_modules/optd/package.json": `{ "name": "optd", "main": "lib/index.js" }`,
      "node_modules/optd/lib/index.js": `let fast; try { fast = require("optd-native"); } catch (e) { if (e.code !== "MODULE_NOT_FOUND") throw e; } module.exports = { kind: fast ? "native" : require("inner") };`,
      "node_modules/optd/node_modules/inner/index.js": `var ws; try { ws = require("ws-not-there/lib/x"); } catch (_) { ws = null; } module.exports = ws ? "native" : "pure";`,
      "node_modules/esm-optd/package.json": `{ "name": "esm-optd", "type": "module", "exports": "./index.js" }`,
      "node_modules/esm-optd/index.js": `export default async () => { try { return await import("@not/there"); } catch { return "pure, too"; } };`,
    });
    expect((await folder.run("main.mjs")).printed).toBe("pure pure, too\n");
  });

  it("ends a script that does not do without it, as the error that it is", async () => {
    using folder = new ModuleFolder({
      "app/missing.mjs": `await import("not-there");`,
      "app/denied.mjs": `await import("../shut.mjs");`,
      "shut.mjs": "",
    });
    const missing = await folder.run("app/missing.mjs");
    expect(missing).toMatchObject({ end: "uncaught", error: { code: "ERR_MODULE_NOT_FOUND", fromHost: true } });
    const denied = await folder.run("app/denied.mjs");
    expect(denied).toMatchObject({ end: "uncaught", error: { code: "ERR_PERMISSION", fromHost: true } });
    expect(denied.error?.message).toContain("allow it with --allow-import=../shut.mjs");
  });
});

describe("what a script needs before it runs", () => {
  it.each([
    [
      `import x from "not-there";`,
      {},
      `Cannot import "not-there": there is no such package; npm install not-there [file:///main.mjs:1:15]`,
    ],
    [
      `import "./dep.mjs";`,
      { "dep.mjs": `\nexport * from "@not/there/part";` },
      `Cannot import "@not/there": there is no such package; npm install @not/there [file:///dep.mjs:2:15]`,
    ],
    [`import "./gone.mjs";`, {}, `Cannot import "./gone.mjs": there is no such file [file:///main.mjs:1:8]`],
    [
      `import "./dep.mjs";`,
      { "dep.mjs": `import x from "./gone.json" with { type: "json" };` },
      `Cannot import "./gone.json": there is no such file [file:///dep.mjs:1:15]`,
    ],
  ])("and does not have is said before, with its place: %s", async (code, files, message) => {
    using folder = new ModuleFolder({ "main.mjs": `${code} console.log("ran");`, ...files });
    for (const permissions of [{}, { import: true }] as const) {
      const outcome = await folder.run("main.mjs", { permissions });
      expect(outcome.error?.message).toBe(message);
      expect(outcome).toMatchObject({ end: "load", printed: "", error: { code: "ERR_SCRIPT_LOAD" } });
    }
  });

  it("is what it imports and what that imports, not what another part asks for while it runs", async () => {
    using folder = new ModuleFolder({
      "main.mjs": `import { late } from "./dep.mjs"; export default await late().catch((error) => error.code);`,
      "dep.mjs": `export const late = () => import("./part.mjs");`,
      "part.mjs": `import "not-there";`,
    });
    expect((await folder.run("main.mjs")).value).toBe("ERR_MODULE_NOT_FOUND");
  });
});

describe("a module whose name is put together", () => {
  it("is said to need a name that is written out", async () => {
    using folder = new ModuleFolder({ "main.mjs": `const name = "./x.mjs"; await import(name);`, "x.mjs": "" });
    const { error } = await folder.run("main.mjs");
    expect(error?.message).toBe(
      `Cannot import "./x.mjs": import() takes a name that is written out, such as import("./part.mjs"), and so does require()`,
    );
    expect(error?.stack).toMatch(/\n {4}at .*file:\/\/\/main\.mjs:1:\d+/);
  });
});
