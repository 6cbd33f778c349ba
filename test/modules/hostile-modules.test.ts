import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  RuntimeEngine,
  type EngineLimits,
  type PermissionOptions,
  type PermissionUse,
  type ScriptOutcome,
} from "../../src/index.ts";
import { Output, withEngine } from "../engine/engine-harness.ts";
import { patience } from "../machine/patience.ts";

const MAKE_PIPE = "mkfifo";
const onLinux = fs.existsSync("/proc/self/task");

/** A source map that speaks of another file. */
const MAP = `{ "version": 3, "sources": ["the-secret.ts"], "names": [], "mappings": "AAUM;AAAA;AAAA;AAAA" }`;

let root: string;
beforeAll(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "hostile-modules-")));
  put({
    "app/ok.js": "export default 1;",
    "shut/secret.json": `{ "secret": "the secret" }`,
    "shut/secret.txt": "the secret",
    "shut/secret.js.map": MAP,
  });
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
  folder?: string;
  limits?: Partial<EngineLimits>;
  onPermission?: (use: PermissionUse) => void;
}

/** Runs a script as if it lay in a folder, by default `app/`. That nothing is left of it is looked at, too. */
async function run(code: string, { folder = "app", ...rest }: RunOptions = {}): Promise<ScriptOutcome> {
  let outcome!: ScriptOutcome;
  await withEngine({ isolation: "thread", ...rest }, async ({ engine }) => {
    outcome = await engine.runScript({ code, name: "main.js", folder: join(root, folder) });
  });
  return outcome;
}

/** The command lines of all processes that the bundler's processes consist of, on Linux. */
function bundlers(): string[] {
  return fs.readdirSync("/proc").flatMap((pid) => {
    try {
      const line = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");
      const [, parent] = /\nPPid:\s*(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      return line.includes("bundler-child") && Number(parent) === process.pid ? [line] : [];
    } catch {
      return [];
    }
  });
}

describe("a name that is put together", () => {
  it.each([
    "await import(`../shut/${name}.json`)",
    'await import("../shut/" + name)',
    "require(`../shut/${name}.txt`)",
    "await import(`./${name}.js`)",
    "await import(`./../../${name}.json`)",
  ])("imports nothing, and says nothing of what is there: %s", async (expression) => {
    for (const name of ["secret", "nothing"]) {
      const { end, error } = await run(`import "./ok.js"; const name = "${name}";\nexport default ${expression};`);
      expect(end).toBe("uncaught");
      expect(error?.message).toMatch(/^Cannot import "\..*": import\(\) takes a name that is written out/);
    }
  });

  it.each([
    ["by many steps", "main.js", (folder: string) => `import("./${"../".repeat(80)}${folder}/" + name + ".json")`],
    ["by codes for dots", "main.js", (folder: string) => `import("./${"\\x2e\\u002e/".repeat(80)}${folder}/" + name)`],
    ["by parts", "main.js", (folder: string) => `import("." + "/" + ${`"." + "./" + `.repeat(80)}"${folder}/" + name)`],
    [
      "by members of enums",
      "main.ts",
      (folder: string) => `import("./" + E.far + E.far + E.far + "${folder}/" + name + ".json")`,
    ],
    [
      "by more steps than there are folders",
      "main.js",
      (folder: string) => `import("./${"../".repeat(700)}${folder}/" + name)`,
    ],
  ])(
    "that leads upwards %s finds nothing, and is the same whether there is something or not",
    async (_, file, part) => {
      const told: unknown[] = [];
      for (const folder of [join(root, "shut").slice(1), join(root, "nothing").slice(1)]) {
        const steps = `enum E { one = "../../../", two = \`\${one}\${one}\`, far = \`\${two}\${two}\${two}\${two}\` }`;
        const code = `${file.endsWith(".ts") ? steps : ""}\nlet name = "secret";\n${part(folder)}.catch(() => {});`;
        put({ [`app/${file}`]: `import "./ok.js";${code}` });
        let outcome!: ScriptOutcome;
        await withEngine({ isolation: "thread" }, async ({ engine }) => {
          outcome = await engine.runScript({ file: join(root, "app", file) });
        });
        const { end, error } = outcome;
        told.push({ end, message: error?.message?.replaceAll(folder, "…") });
      }
      expect(told[0]).toEqual(told[1]);
    },
  );

  it("can be done without: what it throws is caught, by a promise of import() too", async () => {
    const code = `import "./ok.js"; const name = "secret"; const told = [];
      try { require("../shut/" + name); } catch (error) { told.push(error.message); }
      await import(\`../shut/\${name}.json\`).catch((error) => told.push(error.message));
      const whole = "../shut/secret.json";
      await import(whole).catch((error) => told.push(error.message));
      export default told;`;
    const { value } = await run(code);
    expect(value).toEqual(
      ["../shut/secret", "../shut/secret.json", "../shut/secret.json"].map((path) =>
        expect.stringMatching(new RegExp(`^Cannot import "${path}": import\\(\\) takes a name that is written out`)),
      ),
    );
  });

  it("costs no more for all that the module has besides", async () => {
    const much = Array.from({ length: 20_000 }, (_, at) => `export const v${at} = globalThis.a?.b.c;`).join("\n");
    put({ "app/lib/much.js": `export const ask = (name) => import("./" + name + ".js");\n${much}` });
    const limits = { wallMs: patience(20_000) };
    const { error } = await run(`import { ask } from "./lib/much.js"; export default await ask("x");`, { limits });
    expect(error?.message).toMatch(/takes a name that is written out/);
  });

  it("imports nothing in a module, either", async () => {
    put({ "app/lib/asks.js": "export const ask = (name) => import(`../../shut/${name}.json`);" });
    const { end, error } = await run(`import { ask } from "./lib/asks.js"; export default await ask("secret");`);
    expect(end).toBe("uncaught");
    expect(error?.message).toMatch(/takes a name that is written out/);
  });
});

describe("a source map that a module names", () => {
  const PLACES = (): string[] => [
    "../shut/secret.js.map",
    join(root, "shut/secret.js.map"),
    `file://${join(root, "shut/secret.js.map")}`,
    "/etc/passwd",
    "own.js.map",
    `data:application/json;base64,${Buffer.from(MAP).toString("base64")}`,
    "data:application/json,{",
  ];

  it("is not read: errors are shown in the module's own text", async () => {
    put({ "app/own.js.map": MAP });
    for (const place of PLACES()) {
      const uses: PermissionUse[] = [];
      const text = `\nexport function fail() {\n  throw new Error("x");\n}\n//# sourceMappingURL=${place}`;
      put({ "app/mapped.js": text, "app/mapped.ts": text });
      for (const name of ["mapped.js", "mapped.ts"]) {
        const code = `import { fail } from "./${name}";\nfail();\n/*# sourceMappingURL=${place} */`;
        const { error, sources } = await run(code, { onPermission: (use) => uses.push(use) });
        expect(error?.stack, place).toBe(`Error: x\n    at fail (file:///${name}:3:9)\n    at file:///main.js:2:1`);
        expect(sources?.[name]).toBe(text);
      }
      expect(uses.map(({ asked }) => asked)).toEqual(["./mapped.js", "./mapped.ts"]);
    }
  });
});

describe("a package that came with a script and has an allowed name", () => {
  it.each([
    ["is a link to a folder that is no such package", "./shut", {}],
    ["is a link to a package of another name", "./other", { "other/package.json": `{ "name": "another" }` }],
    [
      "names a file of another folder",
      undefined,
      { "clone/node_modules/tea/package.json": `{ "main": "../../../shut/secret.json" }` },
    ],
  ])("brings nothing from elsewhere where it %s", async (_, target, files) => {
    fs.rmSync(join(root, "clone"), { recursive: true, force: true });
    put({ "clone/x.js": "", "other/secret.json": "{}", ...files });
    if (target !== undefined) {
      fs.mkdirSync(join(root, "clone/node_modules"));
      fs.symlinkSync(join(root, target), join(root, "clone/node_modules/tea"));
    }
    const specifier = target === undefined ? "tea" : "tea/secret.json";
    const { error } = await run(`import it from "${specifier}"; export default it;`, {
      folder: "clone",
      permissions: { import: [join(root, "clone"), "tea"] },
    });
    expect(error?.code).toBe("ERR_PERMISSION");
  });
});

describe("a module that is CommonJS", () => {
  it("learns nothing of where it lies", async () => {
    put({
      "app/inner.cjs": `exports.stack = new Error("x").stack; exports.text = String(exports.stack.constructor) + String(require);`,
      "app/outer.cjs": `exports.inner = require("./inner.cjs"); exports.nothing = require("./node_modules/part/none"); exports.stack = new Error("y").stack;`,
      "app/node_modules/part/package.json": `{ "name": "part", "browser": { "./none": false } }`,
    });
    const code = `import outer from "./outer.cjs"; export default JSON.stringify(outer);`;
    const { value, error } = await run(code);
    expect(error).toBeUndefined();
    expect(value).toContain("inner.cjs:1:17");
    expect(value).not.toContain(root);
    put({ "app/throws.cjs": `throw new Error("z");` });
    const thrown = await run(`import "./throws.cjs"; import "./ok.js";`);
    expect(thrown.error?.stack).toContain("(file:///throws.cjs:1:7)");
    expect(JSON.stringify(thrown)).not.toContain(root);
  });
});

if (!onLinux) console.warn("SKIPPED: what the bundler's processes may use is limited by the system on Linux only");

describe.skipIf(!onLinux)("a folder that makes the bundler", () => {
  const DIED = "Cannot load main.js: the bundler crashed; the script may be nested too deeply, or too large";

  it("wait for a pipe is loaded without it", async () => {
    put({ "hang/x.js": "export default 1;" });
    execFileSync(MAKE_PIPE, [join(root, "hang/package.json")]);
    execFileSync(MAKE_PIPE, [join(root, "hang/pipe.js")]);
    expect((await run(`import x from "./x.js"; export default x;`, { folder: "hang" })).value).toBe(1);
    const { error } = await run(`import "./pipe.js";`, { folder: "hang" });
    expect(error?.message).toMatch(/^Cannot import "\.\/pipe\.js": it is not a regular file that can be read/);
  });

  it("look through the whole machine does not: names are written out", async () => {
    const code = `import "./ok.js"; const name = "x"; await import(\`./${"../".repeat(100)}\${name}\`);`;
    const { error } = await run(code);
    expect(error?.message).toMatch(/takes a name that is written out/);
    await expect.poll(bundlers).toEqual([]);
  });

  it("read more than fits into a machine is not loaded", async () => {
    put({ "vast/x.js": "export default 1;", "vast/package.json": "" });
    fs.truncateSync(join(root, "vast/package.json"), 1e11);
    const { end, error } = await run(`import "./x.js";`, { folder: "vast" });
    const message = `Cannot import "./x.js": its package.json is larger than 1000000 bytes [file:///main.js:1:8]`;
    expect({ end, message: error?.message }).toEqual({ end: "load", message });
  });

  it("die leaves the scripts alone that are put together meanwhile", async () => {
    await using hostile = new RuntimeEngine({ isolation: "thread", console: new Output() });
    await using honest = new RuntimeEngine({ isolation: "thread", console: new Output() });
    await Promise.all([hostile.start(), honest.start()]);
    const folder = join(root, "app");
    const code = `import "./ok.js"; export default ${"[".repeat(3_900_000)}${"]".repeat(3_900_000)};`;
    let isOver = false;
    const dying = hostile.runScript({ code, name: "main.js", folder }).finally(() => (isOver = true));
    const values: unknown[] = [];
    // One after the other, so that one is under way whenever that happens.
    while (!isOver) {
      const outcome = await honest.runScript({ code: `import one from "./ok.js"; export default one;`, folder });
      values.push(outcome.value);
    }
    expect(await dying).toMatchObject({ end: "load", error: { message: DIED } });
    expect(new Set(values)).toEqual(new Set([1]));
  });
});
