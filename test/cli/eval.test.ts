import { afterAll, describe, expect, it } from "vitest";
import { runCli, ScriptFolder } from "./run-cli.ts";

const folder = new ScriptFolder();
folder.file("seven.js", "export const seven = 7;");
afterAll(() => folder.remove());

describe.concurrent("eval", () => {
  it.each([
    ["6 * 7", "42\n"],
    ['"a\\tb"', "a\tb\n"],
    ["({ a: [1, { b: new Map([[1, 2]]) }] })", "{ a: [ 1, { b: [Map] } ] }\n"],
    ["{a: 1}", "{ a: 1 }\n"],
    ["undefined", ""],
    ["null", "null\n"],
    ["let x = 2; x * 3", "6\n"],
    ["await Promise.resolve(5)", "5\n"],
    ["Promise.resolve([5])", "[ 5 ]\n"],
    ["const x = await 5; x * 2;", "10\n"],
    ["const x = await 5; `${x};`", "5;\n"],
    ["const p = 2; await Promise.all([1, 2].map(async (n) => { const y = await n; return y * p }))", "[ 2, 4 ]\n"],
    ["let s = 0; for (const a of [1, 2]) { s += await a; } s", "3\n"],
    ["const x = 8\n/ 2\n; (await 1, x) // brackets", "4\n"],
    ["await 0; f(2); function f(n) { return n * 2; }", "4\n"],
    ["if (false) return 1; 2", "2\n"],
    ["for (const x of [1, 2]) console.log(x)", "1\n2\n"],
    ["if (await true) console.log('yes')", "yes\n"],
    ["1; 2; 3 // not; this", "3\n"],
    ["done({ x: 1 }); 5", "{ x: 1 }\n"],
    ["new Float32Array(2)", "Float32Array(2) [ 0, 0 ]\n"],
    ['chat("echo: hi there")', "hi there\n"],
  ])("of %s prints its value", async (code, stdout) => {
    expect(await runCli(["eval", "-q", code])).toMatchObject({ code: 0, stdout, stderr: "" });
  });

  it.each([
    ['(await import("./seven.js")).seven', "7\n"],
    ['import { seven } from "./seven.js"; seven * 6', "42\n"],
    ['import { seven } from "./seven.js"; console.log(seven)', "7\n"],
    ['import { seven } from "./seven.js"; [1].map((n) => { const y = n; return y * seven })', "[ 7 ]\n"],
    ['chat("echo: how to import files")', "how to import files\n"],
  ])("of %s prints its value, where --allow-import allows what it imports", async (code, stdout) => {
    const given = ["eval", "-q", "--allow-import=./seven.js", code];
    expect(await runCli(given, { cwd: folder.path })).toMatchObject({ code: 0, stdout, stderr: "" });
  });

  it("of code too long to look through for its last value runs it", async () => {
    const code = `console.log("runs"); /*${"-".repeat(20_000)}*/ await 0; 5`;
    expect(await runCli(["eval", "-q", code])).toMatchObject({ code: 0, stdout: "runs\n", stderr: "" });
  });

  it("of an import that is not allowed names the flag", async () => {
    const { code, stderr } = await runCli(["eval", 'import { seven } from "./seven.js"; seven'], { cwd: folder.path });
    expect(code).toBe(77);
    expect(stderr).toContain("allow it with --allow-import=./seven.js");
  });

  it("of code that imports shows an error in the code as it was written", async () => {
    const written = 'import { seven } from "./seven.js"; seven.foo.bar';
    const { code, stderr } = await runCli(["eval", "--allow-import", written], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stderr).toContain(`> 1 | ${written}\n`);
    expect(stderr).toMatch(/\n    at eval:1:47\n/);
  });

  it("of an error shows it in the code as it was written", async () => {
    const { code, stderr } = await runCli(["eval", "const x = await 5; x.foo.bar"]);
    expect(code).toBe(1);
    expect(stderr).toContain("> 1 | const x = await 5; x.foo.bar\n");
    expect(stderr).toMatch(/\n    at eval:1:26\n$/);
  });

  it("of what does not parse is exit code 65", async () => {
    const plain = await runCli(["eval", "1 +"]);
    expect(plain).toMatchObject({ code: 65, stdout: "" });
    expect(plain.stderr).toContain("SyntaxError [ERR_SCRIPT_LOAD]: Unexpected end of input");
    expect((await runCli(["eval", "await 1 +"])).code).toBe(65);
  });

  it("ends with the code of process.exit()", async () => {
    expect((await runCli(["eval", "process.exit(9)"])).code).toBe(9);
  });

  it("prints one document with --json, in which values keep as much of their type as JSON has", async () => {
    const { stdout } = await runCli(["eval", "--json", "({ v: new Float32Array(2), d: new Date(0), n: 10n })"]);
    const { result } = JSON.parse(stdout) as { result: unknown };
    expect(result).toEqual({ v: [0, 0], d: "1970-01-01T00:00:00.000Z", n: "10" });
  });
});
