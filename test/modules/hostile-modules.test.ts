import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PermissionUse, ScriptOutcome } from "../../src/index.ts";
import { withEngine } from "../engine/engine-harness.ts";

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

/** Runs a script as if it lay in `app/`. */
async function run(code: string, onPermission?: (use: PermissionUse) => void): Promise<ScriptOutcome> {
  let outcome!: ScriptOutcome;
  await withEngine({ isolation: "thread", ...(onPermission ? { onPermission } : {}) }, async ({ engine }) => {
    outcome = await engine.runScript({ code, name: "main.js", folder: join(root, "app") });
  });
  return outcome;
}

describe("a name that is put together", () => {
  it.each([
    "await import(`../shut/${name}.json`)",
    'await import("../shut/" + name)',
    "require(`../shut/${name}.txt`)",
    "await import(`./${name}.js`)",
    "await import(`./../../${name}.json`)",
  ])("imports nothing, and says nothing of what is there: %s", async (expression) => {
    const { end, error } = await run(`import "./ok.js"; const name = "secret";\nexport default ${expression};`);
    expect(end).toBe("load");
    expect(error?.message).toMatch(
      /^Cannot import by a pattern: a module is named by a text \[file:\/\/\/main\.js:2:\d+\]$/,
    );
  });

  it("imports nothing in a module, either", async () => {
    put({ "app/lib/asks.js": "export const ask = (name) => import(`../../shut/${name}.json`);" });
    const { end, error } = await run(`import { ask } from "./lib/asks.js"; export default await ask("secret");`);
    expect(end).toBe("load");
    expect(error?.message).toMatch(/named by a text \[file:\/\/\/lib\/asks\.js:1:\d+\]$/);
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
        const { error, sources } = await run(code, (use) => uses.push(use));
        expect(error?.stack, place).toBe(`Error: x\n    at fail (file:///${name}:3:9)\n    at file:///main.js:2:1`);
        expect(sources?.[name]).toBe(text);
      }
      expect(uses.map(({ asked }) => asked)).toEqual(["./mapped.js", "./mapped.ts"]);
    }
  });
});
