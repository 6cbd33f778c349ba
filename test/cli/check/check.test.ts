import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { timed } from "../../machine/machine-watch.ts";
import { type CliOptions, type CliResult, runCli, ScriptFolder } from "../run-cli.ts";

const folder = new ScriptFolder();
const cwd = join(folder.path, "project");
mkdirSync(join(cwd, "lib"), { recursive: true });
afterAll(() => folder.remove());

folder.file("outside.js", "export const o = 1;");
folder.file("project/lib/b.ts", 'export const n: number = "x";\nexport const unused: string = "";\n');

interface Document {
  ok: boolean;
  exitCode: number;
  problems: Record<string, unknown>[];
  types: Record<string, unknown>[];
}

const check = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
  runCli(["check", ...args], { cwd, ...options });

async function problemsOf(name: string, source: string, flags: readonly string[] = []): Promise<Document> {
  folder.file(`project/${name}`, source);
  const { stdout, code } = await check(["--json", ...flags, name]);
  const document = JSON.parse(stdout) as Document;
  expect(document.exitCode).toBe(code);
  return document;
}

describe.concurrent("geppetto-js check", () => {
  it("says nothing on stdout where nothing is wrong, and runs nothing", async () => {
    folder.file("project/good.js", `console.log("ran"); throw new Error(await chat("hi"));`);
    expect(await check(["good.js"])).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringMatching(/^0 errors in 1 script; types by TypeScript 7\.\d+\.\d+\n$/) as string,
    });
  });

  it("shows what is wrong with its place and the code around it", async () => {
    folder.file("project/shown.js", `const answer = await chat("hi");\nconsole.log(answer.toFixed());\n`);
    const { code, stdout, stderr } = await check(["shown.js"]);
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: `shown.js:2:20: error [TS2551]: Property 'toFixed' does not exist on type 'string'. Did you mean 'fixed'?

  1 | const answer = await chat("hi");
> 2 | console.log(answer.toFixed());
    |                    ^
  3 |

`,
    });
    expect(stderr).toMatch(/^1 error in 1 script; types by TypeScript/);
  });

  it.each<[what: string, name: string, source: string, exit: number, problem: object]>([
    ["does not parse", "syntax.js", "let a = 1;\nlet b = ;", 65, { kind: "load", line: 2, column: 9 }],
    ["only V8 refuses", "pattern.js", "const r = /(/;", 65, { kind: "load", line: 1, column: 11 }],
    ["imports nothing that is there", "missing.js", 'import "./nowhere.js";', 65, { kind: "load", line: 1, column: 8 }],
    [
      "imports from outside of its folder",
      "denied.js",
      'import "../outside.js";',
      77,
      { kind: "permission", line: 1, column: 8, code: "ERR_PERMISSION" },
    ],
    [
      "would import from outside of its folder when it runs",
      "later.js",
      'export default async () => import("../outside.js");',
      77,
      { kind: "permission", line: 1, message: expect.stringContaining("--allow-import=../outside.js") },
    ],
    [
      "has options that do not exist",
      "options.js",
      `export const options = { limits: { timeut: "3s" } };`,
      78,
      { kind: "options", line: 1, column: 36, message: expect.stringContaining('did you mean "timeout"?') },
    ],
    [
      "takes an image from outside of its folder",
      "image.js",
      `new Conversation().addMessageWithImage("user", "what?", "../cat.png");`,
      77,
      { kind: "permission", column: 57, message: expect.stringContaining("--allow-read=../cat.png") },
    ],
    [
      "takes an image from a private host",
      "host.js",
      `new Conversation().addMessageWithImage("user", "what?", "http://localhost/cat.png");`,
      77,
      { kind: "permission", message: expect.stringContaining("--allow-net=localhost") },
    ],
    [
      "fetches from a host that is not named",
      "fetches.js",
      `const own = { fetch: String }; own.fetch("https://not.asked"); await fetch("https://example.com/a");`,
      77,
      { kind: "permission", column: 76, message: expect.stringContaining("--allow-net=example.com") },
    ],
    ["has wrong types", "typed.ts", 'const a: number = "1";', 1, { kind: "types", line: 1, column: 7, code: "TS2322" }],
    [
      "imports what has wrong types",
      "importing.ts",
      `import { n } from "./lib/b.ts";\nconsole.log(n);`,
      1,
      { kind: "types", file: "lib/b.ts", line: 1, column: 14 },
    ],
    [
      "counts on Node",
      "node.js",
      `const fs = require("fs");`,
      1,
      { kind: "types", hint: expect.stringContaining("nothing of Node's own"), message: "Cannot find name 'fs'." },
    ],
    [
      "forgets to await",
      "promise.js",
      `export default chat("hi").length;`,
      1,
      { kind: "types", hint: "a promise has no such member: await it first" },
    ],
    [
      "counts on a member that scripts lack",
      "member.js",
      `export default process.cwd();`,
      1,
      { kind: "types", hint: expect.stringContaining("paths start from the script's own folder") },
    ],
  ])("finds that a script %s", async (_, name, source, exit, problem) => {
    const { ok, exitCode, problems } = await problemsOf(name, source);
    expect({ ok, exitCode, problems }).toEqual({
      ok: false,
      exitCode: exit,
      problems: [expect.objectContaining({ severity: "error", ...problem })],
    });
  });

  it("says of flags what they allow", async () => {
    const image = `new Conversation().addMessageWithImage("user", "what?", "../cat.png"); process.env.HOME;`;
    folder.file("cat.png", "a cat");
    const { problems } = await problemsOf("allowed.js", image);
    expect(problems.map(({ severity }) => severity)).toEqual(["error", "warning"]);
    const flags = ["--allow-read=..", "--allow-env=HOME"];
    expect(await problemsOf("allowed-too.js", image, flags)).toMatchObject({ ok: true, problems: [] });
  });

  it("only warns of what a script may do without", async () => {
    const { ok, problems } = await problemsOf(
      "optional.js",
      `// @ts-nocheck\nlet x; try { x = await import("no-such-package"); } catch {}\nexport default [x, process.env.NOT_SET];`,
    );
    expect(ok).toBe(true);
    expect(problems).toMatchObject([
      { severity: "warning", line: 2, message: expect.stringContaining("there is no such package") },
      { severity: "warning", line: 3, message: expect.stringContaining("process.env.NOT_SET") },
    ]);
  });

  it("checks several scripts, and exits with the worst", async () => {
    folder.file("project/one.ts", 'export const a: number = "1";');
    folder.file("project/two.js", "let b = ;");
    const { code, stdout } = await check(["one.ts", "two.js", "lib/b.ts"]);
    expect(code).toBe(65);
    for (const place of ["one.ts:1:14", "two.js:1:9", "lib/b.ts:1:14"]) expect(stdout).toContain(`${place}: error`);
  });

  it("names files that it cannot read, and checks the others", async () => {
    folder.file("project/readable.ts", "const a: string = 1;");
    const { code, stdout } = await check(["lib", "nowhere.js", "readable.ts"]);
    expect(code).toBe(66);
    expect(stdout).toContain("lib: error [ERR_NO_FILE]: Cannot check lib: it is a folder");
    expect(stdout).toContain("nowhere.js: error [ERR_NO_FILE]: Cannot check nowhere.js: there is no such file");
    expect(stdout).toContain("readable.ts:1:7: error [TS2322]");
  });

  it("reads a script from stdin", async () => {
    const { code, stdout } = await check(["-"], { input: "chat(\n  5);" });
    expect(code).toBe(1);
    expect(stdout).toContain("stdin:2:3: error [TS2345]");
  });

  it("tells no shell from what a script's name or text holds", async () => {
    const name = "a $(touch gone); b.ts";
    const { problems } = await problemsOf(name, `const a: "\u001b[2J" = "\u001b[31m";`);
    expect(problems).toMatchObject([{ file: name, code: "TS2322" }]);
    const { stdout } = await check([name]);
    expect(stdout).toContain(`${name}:1:7`);
  });

  it("refuses a script that is too large", async () => {
    folder.file("project/huge.js", " ".repeat(17_000_000));
    const { code, stdout } = await check(["huge.js"]);
    expect({ code, stdout }).toEqual({
      code: 66,
      stdout: "huge.js: error [ERR_NO_FILE]: Cannot check huge.js: it is larger than 16 MB\n",
    });
  });

  it("says of a script that is nested too deeply what the engine says, without a place inside of that", async () => {
    const { exitCode, problems } = await problemsOf("deep.js", "[".repeat(200_000));
    expect(exitCode).toBe(65);
    expect(problems).toMatchObject([{ kind: "load", message: expect.stringContaining("is nested too deeply") }]);
  });

  it("bounds what it prints of a script in which everything is wrong", async () => {
    const { problems, exitCode } = await problemsOf("wrong.ts", 'n = "x";\n'.repeat(3_000));
    expect({ exitCode, count: problems.length }).toEqual({ exitCode: 1, count: 1_000 });
    const { stdout, stderr } = await check(["wrong.ts"]);
    expect(stdout.match(/error \[TS/g)).toHaveLength(100);
    expect(stderr).toMatch(/^3000 errors in 1 script; the first 100 are shown; types by TypeScript [\d.]+\n$/);
  });

  it("needs a script", async () => {
    expect(await check([])).toMatchObject({ code: 2, stdout: "" });
  });
});

it("geppetto-js check is quick enough to run at each save", async () => {
  const name = "quick.js";
  folder.file(`project/${name}`, `console.log(await chat("hi"));`);
  await check([name]);
  const { result, ms, allow } = await timed(() => check([name]));
  expect(result.code).toBe(0);
  expect(ms).toBeLessThan(allow(300));
});
