import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { root } from "../../examples/document-blocks.ts";
import { ConfigFolder } from "../config-folder.ts";
import { startCli } from "../run-cli.ts";

const folders: ConfigFolder[] = [];
afterAll(() => folders.forEach((folder) => folder.remove()));

/** A folder with these files, as somebody's project. */
function project(files: Readonly<Record<string, string>>): ConfigFolder {
  const folder = new ConfigFolder();
  folders.push(folder);
  for (const [name, text] of Object.entries({ "package.json": "{}", ...files })) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    folder.file(name, text);
  }
  return folder;
}

/** A compiler of the project's own, which says that it was run. */
function fakeCompiler(version: string, then: string): Record<string, string> {
  return {
    "node_modules/typescript/package.json": JSON.stringify({ name: "typescript", version }),
    "node_modules/typescript/bin/tsc": `require("node:fs").writeFileSync(${JSON.stringify("MARK")}.replace("MARK", __dirname + "/ran"), ""); ${then}`,
  };
}

interface Document {
  exitCode: number;
  problems: Record<string, unknown>[];
  types: Record<string, unknown>[];
}

async function check(
  folder: ConfigFolder,
  ...args: string[]
): Promise<Document & { stderr: string; hasRun: boolean; code: number | null }> {
  const { stdout, stderr, code } = await folder.cli(["check", "--json", ...args]);
  const hasRun = existsSync(join(folder.path, "node_modules/typescript/bin/ran"));
  return { ...(JSON.parse(stdout) as Document), stderr, hasRun, code };
}

const OWN_TYPES = "// of geppetto-js\ndeclare function orders(id: number): Promise<string>;";
const TSCONFIG = JSON.stringify({ compilerOptions: { strict: true, noEmit: true, module: "esnext", types: [] } });

describe.concurrent("geppetto-js check in a project", () => {
  it("uses the project's settings and what it declares for scripts", async () => {
    const folder = project({
      "tsconfig.json": TSCONFIG,
      "geppetto.d.ts": OWN_TYPES,
      "script.ts": `const text: number = await orders("7"); export default [text];`,
      "other.ts": `export const unrelated: number = "";`,
    });
    const { problems, types } = await check(folder, "script.ts");
    expect(types).toMatchObject([{ checked: true, config: "tsconfig.json" }]);
    expect(problems).toMatchObject([
      { file: "script.ts", code: "TS2322" },
      { file: "script.ts", code: "TS2345" },
    ]);
  });

  it("finds wrong types although another file of the project, or another script, does not parse", async () => {
    const folder = project({
      "tsconfig.json": TSCONFIG,
      "geppetto.d.ts": OWN_TYPES,
      "script.ts": `await orders("7");`,
      "broken.ts": `let = ;`,
    });
    for (const scripts of [["script.ts"], ["script.ts", "broken.ts"]]) {
      const { problems } = await check(folder, ...scripts);
      expect(problems).toContainEqual(expect.objectContaining({ file: "script.ts", code: "TS2345" }));
    }
  });

  it("takes its own settings where those of the project know no scripts", async () => {
    const folder = project({ "tsconfig.json": TSCONFIG, "script.ts": `export default (await chat("hi")).length;` });
    expect(await check(folder, "script.ts")).toMatchObject({ exitCode: 0, types: [{ checked: true }] });
  });

  it.each([
    ["{ ", /^TS1005$/],
    [`{ "compilerOptions": { "strictt": true } }`, /^TS(?:5023|5025)$/],
    [`{ "extends": "./nowhere.json" }`, /^TS(?:5083|6053)$/],
  ])("says what is wrong with a tsconfig.json of %j", async (text, code) => {
    const folder = project({ "tsconfig.json": text, "geppetto.d.ts": OWN_TYPES, "script.ts": `export default 1;` });
    const { exitCode, problems } = await check(folder, "script.ts");
    expect(exitCode).toBe(1);
    expect(problems[0]).toMatchObject({ kind: "types", code: expect.stringMatching(code) });
    expect(problems[0]!["file"]).toBe("tsconfig.json");
  });

  it("tells nothing of a file that a tsconfig.json leads to somewhere else", async () => {
    const folder = project({ "script.ts": `export default 1;` });
    const outside = project({ "secret.txt": "user: secret" });
    folder.file("tsconfig.json", JSON.stringify({ extends: join(outside.path, "secret.txt") }));
    const { problems } = await check(folder, "script.ts");
    expect(JSON.stringify(problems)).not.toMatch(/secret\.txt|user: secret/);
  });

  it("does not run a compiler that came with a folder that nobody has trusted", async () => {
    const folder = project({ ...fakeCompiler("5.9.0", ""), "geppetto.yaml": "", "script.ts": "const a: string = 1;" });
    const { hasRun, stderr, problems, types } = await check(folder, "script.ts");
    expect(hasRun).toBe(false);
    expect(stderr).toContain("TypeScript 5.9.0 in node_modules/typescript is not used: nobody has trusted its folder");
    expect(problems).toMatchObject([{ code: "TS2322" }]);
    expect(types).toMatchObject([{ checked: true, typescript: expect.stringMatching(/^7\./) }]);
  });

  it("runs the compiler of a folder that the user has trusted, unless --untrusted says otherwise", async () => {
    const folder = project({ ...fakeCompiler("5.9.0", ""), "script.js": "export default 1;" });
    folder.project("");
    expect(await check(folder, "--untrusted", "script.js")).toMatchObject({ hasRun: false, exitCode: 0 });
    expect(await check(folder, "script.js")).toMatchObject({ hasRun: true, types: [{ typescript: "5.9.0" }] });
  });

  it("uses an older TypeScript of the project", async () => {
    const folder = project({ "script.ts": "const a: string = 1;" });
    folder.project("");
    mkdirSync(join(folder.path, "node_modules"));
    symlinkSync(join(root, "node_modules/typescript-5.7"), join(folder.path, "node_modules/typescript"));
    const { problems, types } = await check(folder, "script.ts");
    expect(types).toMatchObject([{ typescript: "5.7.3" }]);
    expect(problems).toMatchObject([{ code: "TS2322", line: 1, column: 7 }]);
  });

  it.each([["4.9.5"], ["strange"], [""]])("does without a TypeScript of version %j", async (version) => {
    const folder = project({ ...fakeCompiler(version, ""), "script.ts": "const a: string = 1;" });
    folder.project("");
    const { hasRun, stderr, problems } = await check(folder, "script.ts");
    expect(hasRun).toBe(false);
    expect(stderr).toContain("is not used: types need 5.7 or later");
    expect(problems).toHaveLength(1);
  });

  it.each([
    ["crashes", "process.exit(7)", "it crashed"],
    ["talks without end", "for (;;) require('node:fs').writeSync(1, 'x'.repeat(65536))", "it said too much"],
  ])("says of a compiler that it %s", async (_, then, why) => {
    const folder = project({ ...fakeCompiler("5.9.0", then), "script.ts": "export default 1;" });
    folder.project("");
    const { exitCode, problems } = await check(folder, "script.ts");
    expect(exitCode).toBe(1);
    expect(problems[0]!["message"]).toBe(`Cannot check the types with TypeScript 5.9.0: ${why}`);
  });

  it("ends with Ctrl-C, and the compiler with it", async () => {
    const folder = project({ ...fakeCompiler("5.9.0", "for (;;);"), "script.ts": "export default 1;" });
    folder.project("");
    const cli = startCli(["check", "script.ts"], { cwd: folder.path, env: { XDG_CONFIG_HOME: folder.configHome } });
    await expect.poll(() => existsSync(join(folder.path, "node_modules/typescript/bin/ran"))).toBe(true);
    cli.child.kill("SIGINT");
    expect(await cli.result).toMatchObject({ code: 130, stdout: "" });
  });

  it("looks at nothing beside the script with --untrusted", async () => {
    const folder = project({
      "tsconfig.json": JSON.stringify({ compilerOptions: { noEmit: true, strict: false, types: [] } }),
      "geppetto.d.ts": `// geppetto-js\ndeclare const chat: number;`,
      "secret.json": `{ "key": "of mine" }`,
      "script.js": `/// <reference path="./geppetto.d.ts" />\n/** @type {import("./secret.json")} */ let a; a.b;\nchat(5);`,
    });
    const { problems, exitCode } = await check(folder, "--untrusted", "script.js");
    expect(exitCode).toBe(1);
    expect(JSON.stringify(problems)).not.toContain("of mine");
    expect(problems).toContainEqual(expect.objectContaining({ line: 3, column: 6, code: "TS2345" }));
  });
});

it("geppetto-js check says that types were not checked where there is no TypeScript", async () => {
  const folder = project({ "good.ts": "const a: string = 1;", "bad.js": "let a = ;" });
  const modules = join(folder.path, "node_modules");
  const copy = join(modules, "geppetto-js");
  mkdirSync(copy, { recursive: true });
  for (const part of ["dist", "package.json"]) cpSync(join(root, part), join(copy, part), { recursive: true });
  mkdirSync(join(copy, "src"));
  for (const name of readdirSync(join(root, "src")).filter((file) => file.endsWith(".d.ts")))
    cpSync(join(root, "src", name), join(copy, "src", name));
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!/^(?:\.|typescript$)/.test(name)) symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  writeFileSync(join(folder.path, "tsconfig.json"), "{}");
  const main = join(copy, "dist/cli/main.cjs");
  const good = await folder.cli(["check", "good.ts"], { main });
  expect(good).toMatchObject({
    code: 0,
    stdout: "",
    stderr: "0 errors in 1 script; types were not checked: there is no TypeScript; npm install --save-dev typescript\n",
  });
  const json = await folder.cli(["check", "--json", "good.ts"], { main });
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, types: [{ checked: false, reason: expect.any(String) }] });
  expect(await folder.cli(["check", "bad.js"], { main })).toMatchObject({ code: 65 });
});
