import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RuntimeEngine, type PermissionOptions, type PermissionUse, type ScriptOutcome } from "../../src/index.ts";
import { ISOLATIONS, Output, withEngine } from "../engine/engine-harness.ts";

const onLinux = fs.existsSync("/proc/self/task");
if (!onLinux) console.warn("SKIPPED: which process is the bundler's is read from /proc, which only Linux has");

/** The process that puts modules together, while there is one. */
function bundlerPid(): number | undefined {
  const children = fs.readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean);
  const found = children.find((pid) => fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("bundler-child"));
  return found === undefined ? undefined : Number(found);
}

let root: string;
beforeAll(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "imports-")));
  put({
    "app/lib/kinds.ts": `export enum Kind { Tea = "tea", Coffee = "coffee" }\nexport type Named = { name: string };\nexport const nameOf = (named: Named): string => named.name;\n`,
    "app/lib/fails.ts": `interface Cup { size: number }\n\nexport function fill(cup: Cup): never {\n  throw new TypeError(\`cannot fill \${cup.size}\`);\n}\n`,
    "app/lib/counts.js": `globalThis.counted = (globalThis.counted ?? 0) + 1;\nexport let count = 0;\nexport const raise = () => ++count;\n`,
    "app/lib/waits.js": `export const late = await new Promise((end) => setTimeout(() => end("waited"), 5));\n`,
    "app/lib/a.js": `import { b } from "./b.js";\nexport const a = () => "a" + b();\n`,
    "app/lib/b.js": `import { a } from "./a.js";\nexport const b = () => "b" + typeof a;\n`,
    "app/lib/bad.ts": `const ä = "ö"; let x: number = ;\n`,
    "app/data.json": `{ "answer": 42 }`,
    "app/style.css": `a {}`,
    "app/node_modules/cjs/package.json": `{ "name": "cjs", "version": "1.0.0", "main": "main.js" }`,
    "app/node_modules/cjs/main.js": `const inner = require("./inner"); exports.twice = inner.twice; exports.net = () => require("net").connect();`,
    "app/node_modules/cjs/inner.js": `exports.twice = (n) => 2 * n;`,
    "app/node_modules/@scope/esm/package.json": `{ "name": "@scope/esm", "type": "module", "exports": { ".": "./index.js", "./part": "./part.js" } }`,
    "app/node_modules/@scope/esm/index.js": `export { part } from "@scope/esm/part"; export class Cup {}`,
    "app/node_modules/@scope/esm/part.js": `export const part = "part";`,
    "app/node_modules/browser/package.json": `{ "name": "browser", "main": "node.js", "browser": "web.js" }`,
    "app/node_modules/browser/node.js": `module.exports = require("fs");`,
    "app/node_modules/browser/web.js": `module.exports = "for the web";`,
    "app/node_modules/parts/package.json": `{ "name": "parts", "browser": { "./node.js": "./web.js", "ws": "./web.js", "fs": false, "./native": false } }`,
    "app/node_modules/parts/index.js": `module.exports = [require("./node.js"), require("ws"), require("fs"), require("./native"), typeof process.env.NODE_ENV];`,
    "app/node_modules/parts/node.js": `module.exports = require("fs").readFileSync;`,
    "app/node_modules/parts/web.js": `module.exports = "web";`,
    "node_modules/above/package.json": `{ "name": "above", "main": "index.js" }`,
    "node_modules/above/index.js": `module.exports = "above " + require("brought") + require("./more.js");`,
    "node_modules/above/more.js": `module.exports = "!";`,
    "node_modules/brought/index.js": `module.exports = "with it";`,
    "node_modules/greedy/index.js": `module.exports = require("../../shut/secret.js");`,
    "shut/secret.js": `export default "the secret";`,
    "shut/typed.ts": `const it: string = "the secret"; export default it;`,
    "shut/main/package.json": `{ "main": "../secret.js" }`,
    "shut/secret.json": `{ "secret": true }`,
    "linked/package.json": `{ "name": "linked", "main": "index.js" }`,
    "linked/index.js": `module.exports = "linked";`,
  });
  fs.symlinkSync("../shut/secret.js", join(root, "app/link.js"));
  fs.symlinkSync("../shut", join(root, "app/up"));
  fs.symlinkSync("lib/kinds.ts", join(root, "app/link-in.ts"));
  fs.symlinkSync("../../linked", join(root, "app/node_modules/linked"));
});
afterAll(() => fs.rmSync(root, { recursive: true }));

function put(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(dirname(join(root, name)), { recursive: true });
    fs.writeFileSync(join(root, name), text);
  }
}

interface RunOptions {
  permissions?: PermissionOptions;
  isolation?: "thread" | "process";
  name?: string;
  onPermission?: (use: PermissionUse) => void;
}

/** Runs a script as if it lay in `app/`. */
async function run(code: string, options: RunOptions = {}): Promise<ScriptOutcome & { printed: string }> {
  const { name = "main.js", isolation = "thread", ...rest } = options;
  let outcome!: ScriptOutcome;
  let printed = "";
  await withEngine({ isolation, ...rest }, async ({ engine, output }) => {
    outcome = await engine.runScript({ code, name, folder: join(root, "app") });
    printed = output.out + output.err;
  });
  return { ...outcome, printed };
}

describe.each(ISOLATIONS)("a script in a %s", (isolation) => {
  it.each([
    [
      "TypeScript with enums",
      `import { Kind, nameOf } from "./lib/kinds.ts"; export default [Kind.Tea, nameOf({ name: "Ann" })];`,
      ["tea", "Ann"],
    ],
    [
      "TypeScript by the name that it will have",
      `import { Kind } from "./lib/kinds.js"; export default Kind.Coffee;`,
      "coffee",
    ],
    ["JSON", `import data from "./data.json" with { type: "json" }; export default data.answer;`, 42],
    [
      "a package that is CommonJS",
      `import cjs, { twice } from "cjs"; export default [twice(2), cjs.twice(3)];`,
      [4, 6],
    ],
    [
      "a package that is ESM, with exports",
      `import { part, Cup } from "@scope/esm"; import { part as own } from "@scope/esm/part"; export default [part === own, new Cup().constructor.name];`,
      [true, "Cup"],
    ],
    ["a package's build for browsers", `import it from "browser"; export default it;`, "for the web"],
    [
      "what a package has for browsers in place of some of its modules",
      `import it from "parts"; export default it;`,
      ["web", "web", {}, {}, "undefined"],
    ],
    [
      "a module once, with live bindings",
      `import * as one from "./lib/counts.js"; import { count, raise } from "./lib/../lib/counts.js"; raise(); export default [count, one.count, counted];`,
      [1, 1, 1],
    ],
    ["a module that waits", `import { late } from "./lib/waits.js"; export default late;`, "waited"],
    ["modules that import each other", `import { a } from "./lib/a.js"; export default a();`, "abfunction"],
    ["dynamically", `const { Kind } = await import("./lib/kinds.ts"); export default Kind.Tea;`, "tea"],
    ["for its effect alone", `import "./lib/counts.js"; export default counted;`, 1],
    ["through a link that stays inside", `import { Kind } from "./link-in.ts"; export default Kind.Tea;`, "tea"],
    ["by the script's own address", `import "./lib/counts.js"; export default import.meta.url;`, "file:///main.js"],
  ])("imports %s", async (_, code, value) => {
    const { error, value: given } = await run(code, { isolation });
    expect(error).toBeUndefined();
    expect(given).toEqual(value);
  });

  it("may itself be TypeScript", async () => {
    const code = `enum Size { Small = 1 }\ninterface Cup { size: Size }\nconst cup: Cup = { size: Size.Small };\nexport default cup satisfies Cup;`;
    expect((await run(code, { isolation, name: "main.ts" })).value).toEqual({ size: 1 });
  });

  it("shows its errors where their author finds them, in the text that they wrote", async () => {
    const code = `import { fill } from "./lib/fails.ts";\n\ntype Size = number;\ntry {\n  fill({ size: 1 });\n} catch (error) {\n  console.log(error.stack);\n}\nconst size: Size = 2;\nfill({ size });\n`;
    const { error, printed, sources } = await run(code, { isolation, name: "main.ts" });
    expect(printed).toBe(
      "TypeError: cannot fill 1\n    at fill (file:///lib/fails.ts:4:9)\n    at file:///main.ts:5:3\n",
    );
    expect(error).toMatchObject({
      name: "TypeError",
      stack: "TypeError: cannot fill 2\n    at fill (file:///lib/fails.ts:4:9)\n    at file:///main.ts:10:1",
    });
    expect(Object.keys(sources!)).toEqual(["main.ts", "lib/fails.ts"]);
  });

  it("shows them whatever the script has done to what arrays and texts can do", async () => {
    const code = `import { fill } from "./lib/fails.ts";
      const throwing = () => { throw new Error("poisoned"); };
      const targets = [Array.prototype, String.prototype, Number.prototype, Map.prototype, Object.getPrototypeOf([][Symbol.iterator]())];
      const { defineProperty, getOwnPropertyDescriptor } = Object, { ownKeys } = Reflect;
      for (let i = 0; i < targets.length; i++) for (let keys = ownKeys(targets[i]), k = 0; k < keys.length; k++) if (keys[k] !== "constructor" && typeof getOwnPropertyDescriptor(targets[i], keys[k]).value === "function") defineProperty(targets[i], keys[k], { value: throwing });
      fill({ size: 4 });`;
    const { error } = await run(code, { isolation });
    expect(error).toMatchObject({ name: "TypeError", message: "cannot fill 4" });
    expect(error?.stack).toBe(
      "TypeError: cannot fill 4\n    at fill (file:///lib/fails.ts:4:9)\n    at file:///main.js:6:7",
    );
  });

  it("shows errors of timers and events where they were made", async () => {
    const code = `import { fill } from "./lib/fails.ts";\nsetTimeout(() => {\n  fill({ size: 3 });\n}, 1);`;
    const { error } = await run(code, { isolation });
    expect(error?.stack).toMatch(/\n {4}at fill \(file:\/\/\/lib\/fails\.ts:4:9\)\n {4}at file:\/\/\/main\.js:3:3$/);
  });
});

describe("a script that does not load", () => {
  it.each([
    [
      `import x from "./missing.js";`,
      "Error",
      `Cannot import "./missing.js": there is no such file [file:///main.js:1:15]`,
    ],
    [
      `import x from "./lib";`,
      "Error",
      `Cannot import "./lib": it is not a regular file that can be read [file:///main.js:1:15]`,
    ],
    [
      `\nimport fs from "node:fs";`,
      "Error",
      `Cannot import "node:fs": scripts have nothing of Node's own; give a file with --input and read it with input() [file:///main.js:2:16]`,
    ],
    [
      `import fs from "fs";`,
      "Error",
      `Cannot import "fs": scripts have nothing of Node's own; give a file with --input and read it with input() [file:///main.js:1:16]`,
    ],
    [
      `import x from "https://example.com/x.js";`,
      "Error",
      `Cannot import "https://example.com/x.js": scripts import files and packages [file:///main.js:1:15]`,
    ],
    [
      `import x from "file:///etc/passwd";`,
      "Error",
      `Cannot import "file:///etc/passwd": scripts import files and packages [file:///main.js:1:15]`,
    ],
    [
      `import x from "data:text/javascript,1";`,
      "Error",
      `Cannot import "data:text/javascript,1": scripts import files and packages [file:///main.js:1:15]`,
    ],
    [
      `import "./style.css";`,
      "Error",
      `Cannot import "./style.css": scripts import JavaScript, TypeScript and JSON [file:///main.js:1:8]`,
    ],
    [`import "./lib/bad.ts";`, "SyntaxError", `Unexpected ";" [file:///lib/bad.ts:1:32]`],
    [
      `import { none } from "./lib/kinds.ts";`,
      "SyntaxError",
      `No matching export in "lib/kinds.ts" for import "none" [file:///main.js:1:10]`,
    ],
    [`import "./data.json";\nconst x = ;`, "SyntaxError", `Unexpected ";" [file:///main.js:2:11]`],
  ])("says why, and where: %s", async (code, name, message) => {
    const { end, error } = await run(code);
    expect(end).toBe("load");
    expect(error).toMatchObject({ name, message, code: "ERR_SCRIPT_LOAD", fromHost: true });
  });

  it("finds out what a package needs of Node's only when it needs it", async () => {
    const { value } = await run(
      `import { net } from "cjs"; let told; try { net(); } catch (error) { told = error.message; } export default told;`,
    );
    expect(value).toMatch(/^Cannot use connect: Cannot import "node:net": scripts have nothing of Node's own/);
  });

  it("leaves nothing to the next script, and no process", async () => {
    await withEngine({ isolation: "thread" }, async ({ engine }) => {
      const folder = join(root, "app");
      await engine.runScript({ code: `import "./lib/bad.ts";`, folder });
      await engine.runScript({ code: `import { Kind } from "./lib/kinds.ts"; throw new Error("x");`, folder });
      const { error } = await engine.runScript({ code: `\n\nthrow new Error("plain");`, folder });
      expect(error?.stack).toBe("Error: plain\n    at file:///script.js:3:7");
    });
  });

  it("is ended by its time limit while it is still being read", async () => {
    await using engine = new RuntimeEngine({ isolation: "thread", limits: { wallMs: 1 }, console: new Output() });
    await engine.start();
    const { error } = await engine.runScript({ code: `import "./lib/kinds.ts"; for (;;);`, folder: join(root, "app") });
    expect(error).toMatchObject({ code: "ERR_LIMIT_WALL" });
    // What reads it is gone soon after.
    await expect.poll(() => process.getActiveResourcesInfo()).not.toContain("ProcessWrap");
  });
});

/** What importing this comes to: the value, or the error's text without its place. */
async function importing(specifier: string, permissions: PermissionOptions = {}): Promise<unknown> {
  const { value, error, end } = await run(`import it from ${JSON.stringify(specifier)}; export default it;`, {
    permissions,
  });
  if (error === undefined) return value;
  // What a package asks for by require() it may do without.
  expect(["load", "uncaught"]).toContain(end);
  expect(error.fromHost).toBe(true);
  if (error.name === "PermissionError") expect(error.code).toBe("ERR_PERMISSION");
  return `${error.name}: ${error.message.replace(/ \[file:.*\]$/, "")}`;
}

function outside(asked: string): string {
  return `PermissionError: import denied: ${asked}: it is not below an allowed folder; allow it with --allow-import=${asked}`;
}

describe("what may be imported", () => {
  it.each([
    ["../shut/secret.js", "../shut/secret.js"],
    ["../shut/secret.json", "../shut/secret.json"],
    ["./lib/../../shut/secret.js", "../shut/secret.js"],
    ["../shut/missing.js", "../shut/missing.js"],
    ["./link.js", "./link.js"],
    ["./up/secret.js", "./up/secret.js"],
    ["/etc/passwd", "/etc/passwd"],
    ["/proc/self/environ", "/proc/self/environ"],
    ["above", "above"],
    ["above/more.js", "above"],
    ["linked", "linked"],
  ])("lies below the script's own folder, unlike %s", async (specifier, asked) => {
    expect(await importing(specifier)).toBe(outside(asked));
  });

  it.each(["no-such-package", "@no/such", "no-such-package/part.js"])(
    "has to be there, unlike %s",
    async (specifier) => {
      const name = specifier.replace("/part.js", "");
      for (const permissions of [{}, { import: true }, { import: [join(root, "app"), name] }] as const) {
        expect(await importing(specifier, permissions as PermissionOptions)).toBe(
          `Error: Cannot import "${name}": there is no such package; npm install ${name}`,
        );
      }
    },
  );

  it("is what the flag names that the error does", async () => {
    const app = join(root, "app");
    const secret = "the secret";
    expect(await importing("../shut/secret.js", { import: [app, join(root, "shut/secret.js")] })).toBe(secret);
    expect(await importing("../shut/secret.js", { import: [app, join(root, "shut")] })).toBe(secret);
    expect(await importing("./link.js", { import: [app, join(app, "link.js")] })).toBe(secret);
    expect(await importing("linked", { import: [app, "linked"] })).toBe("linked");
    expect(await importing("../shut/secret", { import: [app, join(root, "shut/secret")] })).toBe(secret);
    expect(await importing("../shut/typed.js", { import: [app, join(root, "shut/typed.js")] })).toBe(secret);
    expect(await importing("../shut/secret.js", { import: true })).toBe(secret);
  });

  it("is no more than the flag's file where that leaves its extension to be found", async () => {
    const app = join(root, "app");
    expect(await importing("../shut/main", { import: [app, join(root, "shut/main")] })).toMatch(/^PermissionError/);
    expect(await importing("../shut/secret.json", { import: [app, join(root, "shut/secret")] })).toBe(
      outside("../shut/secret.json"),
    );
  });

  it("is a package with all that it imports itself, and nothing more", async () => {
    const app = join(root, "app");
    expect(await importing("above", { import: [app, "above"] })).toBe("above with it!");
    expect(await importing("brought", { import: [app, "above"] })).toBe(outside("brought"));
    expect(await importing("greedy", { import: [app, "greedy"] })).toBe(outside("../shut/secret.js"));
  });

  it("is nothing where that is said, and the script is not even looked at", async () => {
    const denied = (asked: string): string =>
      `PermissionError: import denied: ${asked}: nothing may be imported; allow it with --allow-import=${asked}`;
    expect(await importing("./data.json", { import: [] })).toBe(denied("./data.json"));
    expect(await importing("node:fs", { import: [] })).toBe(denied("node:fs"));
    const { value } = await run(
      `const text = "import x from './y'"; /* import z from "z" */ export default text.length;`,
      {
        permissions: { import: [] },
      },
    );
    expect(value).toBe(19);
  });

  it("is nothing by default with strict hardening", async () => {
    const hardened = { hardening: "strict", console: new Output() } as const;
    for (const [permissions, ends] of [
      [{}, "load"],
      [{ import: [join(root, "app")] }, "completed"],
    ] as const) {
      await using engine = new RuntimeEngine({ ...hardened, permissions });
      await engine.start();
      expect((await engine.runScript({ code: `import "./data.json";`, folder: join(root, "app") })).end).toBe(ends);
    }
  });

  it("is no system file where any module is allowed", async () => {
    expect(await importing("/proc/self/environ", { import: true })).toMatch(/^PermissionError/);
    expect(await importing("/dev/zero", { import: true })).toMatch(/^PermissionError/);
  });

  it("is no module whose name is not known before it runs", async () => {
    const { error } = await run(`import "./data.json"; const name = "./lib/kinds.ts"; await import(name);`);
    expect(error?.message).toMatch(/^Cannot import "\.\/lib\/kinds\.ts": import\(\) takes a name that is written out/);
  });

  it("is noted, granted or denied", async () => {
    const uses: PermissionUse[] = [];
    const code = `import "./data.json"; import "cjs"; import "../shut/secret.js";`;
    await run(code, { onPermission: (use) => uses.push(use) });
    const told = uses.map(({ kind, asked, file, granted }) => [kind, asked, file?.slice(root.length), granted]);
    expect(told).toContainEqual(["import", "./data.json", "/app/data.json", true]);
    expect(told).toContainEqual(["import", "cjs", "/app/node_modules/cjs/main.js", true]);
    expect(told).toContainEqual(["import", "../shut/secret.js", "/shut/secret.js", false]);
    expect(uses.every(({ script }) => script === "main.js")).toBe(true);
    uses.length = 0;
    await run(`import "./data.json";`, { permissions: { import: [] }, onPermission: (use) => uses.push(use) });
    expect(uses).toEqual([
      {
        time: expect.any(Number),
        script: "main.js",
        kind: "import",
        asked: "./data.json",
        granted: false,
        rule: "nothing may be imported",
      },
    ]);
  });
});

describe("what comes with a script", () => {
  it("cannot say what else is read: a tsconfig.json is not looked at", async () => {
    put({
      "own/tsconfig.json": `{ "extends": "../shut/secret.json", "compilerOptions": { "paths": { "*": ["../shut/*"] }, "jsxFactory": "x" } }`,
      "own/main.ts": `import it from "secret.js"; export default it;`,
    });
    await withEngine({ isolation: "thread" }, async ({ engine }) => {
      const { error } = await engine.runScript({ file: join(root, "own/main.ts") });
      expect(error?.message).toContain(`Cannot import "secret.js": there is no such package; npm install secret.js`);
    });
  });

  it("cannot redirect a package to elsewhere", async () => {
    put({
      "own/node_modules/evil/package.json": `{ "name": "evil", "main": "../../../shut/secret.js" }`,
      "own/node_modules/sly/package.json": `{ "name": "sly", "browser": { "./index.js": "../../../shut/secret.js" } }`,
      "own/node_modules/sly/index.js": `module.exports = 1;`,
    });
    await withEngine({ isolation: "thread" }, async ({ engine }) => {
      for (const name of ["evil", "sly"]) {
        const code = `import it from "${name}"; export default it;`;
        const { value, error } = await engine.runScript({ code, folder: join(root, "own") });
        expect([name, value, error?.name]).toEqual([name, undefined, "PermissionError"]);
      }
    });
  });

  it("is bounded: many modules are as many uses", async () => {
    put(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`many/m${i}.js`, `import "./m${i + 1}.js";`])));
    await withEngine({ isolation: "thread", limits: { uses: 10 } }, async ({ engine }) => {
      const { end, error } = await engine.runScript({ code: `import "./m0.js";`, folder: join(root, "many") });
      expect({ end, code: error?.code }).toEqual({ end: "load", code: "ERR_LIMIT_USES" });
    });
  });

  it("is bounded in size", async () => {
    put({ "large/large.js": `export default "${"x".repeat(8_000_001)}";` });
    await withEngine({ isolation: "thread" }, async ({ engine }) => {
      const { error } = await engine.runScript({ code: `import "./large.js";`, folder: join(root, "large") });
      expect(error?.code).toBe("ERR_LIMIT_IMPORT");
    });
  });

  it.skipIf(!onLinux)("is not loaded where the bundler's process dies on it, and the next script is", async () => {
    put(Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`chain/m${i}.js`, `import "./m${i + 1}.js";`])));
    put({ "chain/m3000.js": "export default 1;" });
    await withEngine({ isolation: "thread" }, async ({ engine }) => {
      const running = engine.runScript({ code: `import "./m0.js"; export default 1;`, folder: join(root, "chain") });
      let pid: number | undefined;
      await expect.poll(() => (pid = bundlerPid()), { interval: 1 }).toBeDefined();
      process.kill(pid!, "SIGKILL");
      const message = "Cannot load script.js: the bundler crashed; the script may be nested too deeply, or too large";
      expect(await running).toMatchObject({ end: "load", error: { name: "Error", message } });
      const next = await engine.runScript({
        code: `import "./m2990.js"; export default 2;`,
        folder: join(root, "chain"),
      });
      expect(next.value).toBe(2);
    });
  });

  it("says nothing of the host in any error", async () => {
    const codes = [
      `import { none } from "./lib/kinds.ts"`,
      `import "./lib/bad.ts"`,
      `import "../shut/x.js"`,
      `import "./up/x.js"`,
      `import "#x"`,
      `import "cjs/none"`,
      `import "@scope/esm/none"`,
      `import ""`,
      `import "./\\0"`,
      `import "?"`,
    ];
    for (const code of codes) {
      const { end, error } = await run(code);
      expect([code, end]).toEqual([code, "load"]);
      expect(JSON.stringify(error)).not.toContain(root);
    }
  });
});
