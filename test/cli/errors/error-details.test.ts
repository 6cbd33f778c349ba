import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runCli, ScriptFolder } from "../run-cli.ts";
import { ScriptReports } from "./script-reports.ts";

const reports = new ScriptReports();
const folder = new ScriptFolder();
afterAll(async () => {
  folder.remove();
  await reports[Symbol.asyncDispose]();
});

/** What stands under the code frame. */
async function below(code: string): Promise<string> {
  const { text } = await reports.of(code);
  return text.split("\n\n").at(-1)!;
}

describe("an uncaught error", () => {
  it.each([
    [
      "own properties",
      `throw Object.assign(new Error("x"), { status: 500, body: { detail: "db down" } });`,
      "    at script.js:1:21\n  { status: 500, body: { detail: 'db down' } }",
    ],
    [
      "the errors within an AggregateError",
      `throw new AggregateError([new Error("one"), new TypeError("two")], "x");`,
      "    at script.js:1:7\n  inner error 1: Error: one\n      at script.js:1:27\n  inner error 2: TypeError: two\n      at script.js:1:45",
    ],
    [
      "both errors of a SuppressedError",
      `throw new SuppressedError(new Error("later"), new TypeError("earlier"), "x");`,
      "    at script.js:1:7\n  inner error 1: Error: later\n      at script.js:1:27\n  inner error 2: TypeError: earlier\n      at script.js:1:47",
    ],
    [
      "what `using` has suppressed",
      `{ using r = { [Symbol.dispose]() { throw new Error("later"); } }; throw new Error("earlier"); }`,
      "inner error 2: Error: earlier",
    ],
    [
      "causes with their frames, properties and codes",
      `throw new Error("x", { cause: Object.assign(new TypeError("y", { cause: new Error("z") }), { code: "E_Y", at: 1 }) });`,
      "    at script.js:1:7\ncaused by TypeError [E_Y]: y\n    at script.js:1:45\n  { at: 1 }\ncaused by Error: z\n    at script.js:1:73",
    ],
    ["a cause that is no error", `throw new Error("x", { cause: { status: 3 } });`, "caused by { status: 3 }"],
    [
      "errors within a cause",
      `throw new Error("x", { cause: new AggregateError([new Error("y")]) });`,
      "  inner error 1: Error: y",
    ],
    [
      "symbols and getters, which it does not run",
      `const e = new Error("x"); Object.defineProperty(e, "g", { enumerable: true, get() { throw 1; } }); e[Symbol("s")] = 2; throw e;`,
      "{ g: [Getter], Symbol(s): 2 }",
    ],
    [
      "an error among its properties, with its place",
      `throw Object.assign(new Error("x"), { inner: new TypeError("y") });`,
      "inner: TypeError: y\n        at script.js:1:46",
    ],
    ["a number as its code", `throw Object.assign(new Error("x"), { code: 42 });`, "{ code: 42 }"],
  ])("shows %s", async (_, code, text) => {
    expect(await below(code)).toContain(text);
  });

  it.each([
    ["after an await", `await 1; throw new AggregateError([new Error("one")], "x");`],
    ["in a timer", `setTimeout(() => { throw new AggregateError([new Error("one")], "x"); }, 1);`],
    ["as a rejection that nobody handles", `Promise.reject(new AggregateError([new Error("one")], "x"));`],
    ["in a callback", `doubleStep.runWithEvents(1, () => { throw new AggregateError([new Error("one")], "x"); });`],
    [
      "in a step of the script's",
      `await steps.createLambdaStep(() => { throw new AggregateError([new Error("one")], "x"); }).startAsync(1);`,
    ],
    ["of Promise.any", `await Promise.any([Promise.reject(new Error("one"))]);`],
  ])("shows what is within wherever it was thrown: %s", async (_, code) => {
    const { text, document } = await reports.of(code);
    expect(text).toContain("  inner error 1: Error: one\n      at script.js:1:");
    expect(document["errors"]).toMatchObject([{ name: "Error", message: "one" }]);
  });

  it("is called what its class is called", async () => {
    const code = `class HttpError extends Error { status = 404; } throw new HttpError("gone");`;
    const { text, document } = await reports.of(code);
    expect(text).toMatch(/^HttpError: gone\n[^]*\n {2}\{ status: 404 \}$/);
    expect(document).toMatchObject({ name: "Error", className: "HttpError", fields: { status: 404 } });
  });

  it("is bounded in every direction", async () => {
    const code = `
      const e = new AggregateError(Array.from({ length: 5000 }, (_, i) => new Error("n" + i)), "many");
      e.text = "x".repeat(1e6); e.list = Array.from({ length: 1e5 }, (_, i) => i); e.self = e; e.cause = e;
      for (let i = 0; i < 1000; i++) e["key" + i] = i;
      let at = e.errors[0];
      for (let i = 0; i < 500; i++) at = at.cause = new AggregateError([new Error("deep")], "c" + i);
      throw e;`;
    const { text, document } = await reports.of(code);
    expect(text.length).toBeLessThan(60_000);
    expect(JSON.stringify(document).length).toBeLessThan(120_000);
    expect(text).toMatch(/caused by \[Circular\]/);
    expect(text).toMatch(/… further causes are left out/);
    expect(text).toMatch(/… and 49\d\d more/);
    expect(document["fields"]).toMatchObject({ text: expect.stringMatching(/^x+…$/) });
  });

  it("tells its place, its properties and what is within to programs", async () => {
    const code = `const inner = Object.assign(new Error("y"), { at: 1 });\nthrow new TypeError("x", { cause: inner });`;
    const { document } = await reports.of(code, { label: "main.js" });
    expect(document).toEqual({
      name: "TypeError",
      message: "x",
      stack: "TypeError: x\n    at file:///main.js:2:7",
      cause: { name: "Error", message: "y", stack: "Error: y\n    at file:///main.js:1:29", fields: { at: 1 } },
      file: "main.js",
      line: 2,
      column: 7,
    });
  });

  it("that does not parse tells its place to programs, too", async () => {
    const { document } = await reports.of("1;\nconst x = ;");
    expect(document).toMatchObject({ message: "Unexpected token ';'", file: "script.js", line: 2, column: 11 });
  });
});

describe.concurrent("on the command line, an uncaught error", () => {
  it("names files as they lie from the working directory, also those that are imported and those in properties", async () => {
    mkdirSync(join(folder.path, "app/lib"), { recursive: true });
    mkdirSync(join(folder.path, "node_modules/pkg"), { recursive: true });
    writeFileSync(join(folder.path, "app/lib/fill.ts"), "export function fill(a: () => void): void {\n  a();\n}\n");
    writeFileSync(join(folder.path, "node_modules/pkg/index.js"), "exports.call = function call(f) {\n  f();\n};\n");
    folder.file(
      "app/main.ts",
      'import { fill } from "./lib/fill.ts";\nimport { call } from "pkg";\nfill(() => call(() => {\n  throw Object.assign(new Error("x"), { inner: new Error("y") });\n}));\n',
    );
    const flags = ["run", "-q", "--no-log", "--allow-import=pkg"];
    const here = await runCli([...flags, "app/main.ts"], { cwd: folder.path });
    expect(here.stderr).toContain(
      "    at app/main.ts:4:23\n    at call (node_modules/pkg/index.js:2:3)\n    at app/main.ts:3:12\n    at fill (app/lib/fill.ts:2:3)\n    at app/main.ts:3:1\n",
    );
    expect(here.stderr).toContain("inner: Error: y\n        at app/main.ts:4:48");
    const below = await runCli([...flags, "main.ts"], { cwd: join(folder.path, "app") });
    expect(below.stderr).toContain("    at main.ts:4:23\n    at call (../node_modules/pkg/index.js:2:3)\n");
    const json = await runCli([...flags, "--json", "app/main.ts"], { cwd: folder.path });
    const { error } = JSON.parse(json.stdout) as { error: Record<string, unknown> };
    expect(error).toMatchObject({ file: "main.ts", line: 4, column: 23 });
    expect(error["stack"]).toContain("at fill (file:///lib/fill.ts:2:3)");
  });

  it("names a file that lies elsewhere by the shorter of its paths", async () => {
    const script = folder.file("far.js", "throw new Error('x');\n");
    const { stderr } = await runCli(["run", "-q", "--no-log", script], { cwd: "/" });
    expect(stderr).toContain(
      `    at ${[relative("/", script), script].toSorted((a, b) => a.length - b.length)[0]}:1:7\n`,
    );
  });
});
