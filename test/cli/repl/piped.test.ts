import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { patience } from "../../machine/patience.ts";
import { runCli, ScriptFolder, startCli, type CliResult } from "../run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

/** What the command prints for these lines on stdin. */
function repl(lines: string | readonly string[], ...args: string[]): Promise<CliResult> {
  const input = typeof lines === "string" ? lines : `${lines.join("\n")}\n`;
  return runCli(["repl", ...args], { input, cwd: folder.path });
}

describe("geppetto-js repl with piped stdin", () => {
  it("prints no prompt, values on stdout, and nothing for undefined", async () => {
    const { stdout, stderr, code } = await repl([
      "1 + 1",
      '"a text"',
      "undefined",
      "const x = 5",
      "[x, { y: 'z' }]",
      "",
      "null",
    ]);
    expect({ stdout, stderr, code }).toEqual({ stdout: "2\na text\n[ 5, { y: 'z' } ]\nnull\n", stderr: "", code: 0 });
  });

  it("takes a line that begins with a bracket for a new statement, and waits for the end of one that is not complete", async () => {
    const { stdout, stderr } = await repl([
      "const list = [3, 4]",
      "[1, 2].map((n) => n * 2)",
      "(5 + 5)",
      "`a ${1}`",
      "function add(a: number, b: number) {",
      "  return a +",
      "    b",
      "}",
      "add(",
      "",
      "  1, 2",
      ")",
      "const text = `two",
      "lines`; text.length",
      "type Point = {",
      "  x: number",
      "}",
      "/* a comment",
      "*/ 7",
      "// a comment alone",
      "list",
    ]);
    expect(stderr).toBe("");
    expect(stdout.split("\n")).toEqual(["[ 2, 4 ]", "10", "a 1", "3", "9", "7", "[ 3, 4 ]", ""]);
  });

  it("goes on after errors, and shows them as run does, with hints", async () => {
    const { stdout, stderr, code } = await repl([
      "const stays = 1",
      "function fails() { return stays.no.more }",
      "fails()",
      "stayz",
      "x = )",
      "stays = 2",
      "await chat('error: 429')",
      "Promise.reject(new Error('nobody waits')); 0",
      "stays",
    ]);
    expect([stdout, code]).toEqual(["0\n1\n", 0]);
    expect(stderr).toContain("TypeError: Cannot read properties of undefined (reading 'more')");
    expect(stderr).toContain("> 1 | function fails() { return stays.no.more }");
    expect(stderr).toContain("at repl-3.ts:1:1");
    expect(stderr).toMatch(/ReferenceError: stayz is not defined[^]*hint: did you mean stays\?/);
    expect(stderr).toContain("SyntaxError [ERR_SCRIPT_LOAD]: Unexpected token ')'");
    expect(stderr).toContain("TypeError: Assignment to constant variable.");
    expect(stderr).toContain("rate limit");
    expect(stderr).toContain("Uncaught Error: nobody waits");
    expect(stderr).not.toContain("geppettoTick");
  });

  it("says at the end what is missing of a statement", async () => {
    const { stdout, stderr } = await repl("1\nfoo(\n2");
    expect(stdout).toBe("1\n");
    expect(stderr).toContain("SyntaxError [ERR_SCRIPT_LOAD]: Unexpected end of input");
    expect((await repl("40 + 2")).stdout).toBe("42\n");
    expect((await repl("")).stdout).toBe("");
    expect((await repl("1\r\n2\r\n")).stdout).toBe("1\n2\n");
  });

  it("answers each statement before the next one is there", async () => {
    const { child, result, seen } = startCli(["repl"], { open: true, cwd: folder.path });
    for (const n of [1, 2, 3]) {
      child.stdin.write(`const x = ${n}; x * 111\n`);
      await seen(`${n * 111}\n`);
    }
    child.stdin.end();
    expect((await result).stdout).toBe("111\n222\n333\n");
  });

  it("has the globals of scripts, awaits, and keeps timers going", async () => {
    const { stdout, stderr } = await repl(
      [
        "await chat('echo: hello there')",
        "const session = new ChatSession()",
        "String(await session.next('echo: again'))",
        "console.log('printed'); console.error('to stderr')",
        "const later = new Promise((done) => setTimeout(done, 5, 'late'))",
        "await later",
        "_.toUpperCase()",
        "process.env.NAME",
      ],
      "-e",
      "NAME=value",
      "-q",
    );
    expect(stdout).toBe("hello there\nagain\nprinted\nlate\nLATE\nvalue\n");
    expect(stderr).toBe("to stderr\n");
  });

  it("imports what scripts of the folder may", async () => {
    folder.file("lib.ts", "export const answer: number = 42; let n = 0; export default () => ++n;");
    const { stdout, stderr } = await repl([
      'import next, { answer } from "./lib.ts"',
      "[answer, next(), next()]",
      'const { answer: again } = await import("./lib.ts")',
      "again",
      'import { nothing } from "./nowhere.ts"',
      "answer",
    ]);
    expect(stdout).toBe("[ 42, 1, 2 ]\n42\n42\n");
    expect(stderr).toContain("./nowhere.ts");
    const untrusted = await repl(['import { answer } from "./lib.ts"', "6 * 7"], "--untrusted");
    expect(untrusted.stdout).toBe("42\n");
    expect(untrusted.stderr).toContain("ERR_PERMISSION");
  });

  it("ends with the exit code of process.exit() and process.exitCode", async () => {
    expect(await repl(["1", "process.exit(7)", "2"])).toMatchObject({ code: 7, stdout: "1\n" });
    expect((await repl(["process.exitCode = 3", "1"])).code).toBe(3);
  });

  it("goes on after a limit, and says when the guest with its declarations is gone", async () => {
    const loop = await repl(["const kept = 5", "while (true) {}", "kept"], "--timeout", `${patience(1_000)}ms`);
    expect(loop.stdout).toBe("5\n");
    expect(loop.stderr).toContain("ERR_LIMIT_WALL");
    const memory = await repl(
      ["const lost = 5", "const all = []; for (;;) all.push(new Array(1e5).fill({}))", "typeof lost"],
      "--memory",
      "32MB",
    );
    expect(memory.stdout).toBe("undefined\n");
    expect(memory.stderr).toContain("ERR_LIMIT_MEMORY");
    expect(memory.stderr).toContain("What was declared is gone with the guest that ran it; a new one begins");
  });

  it("has the secrets of the user's settings, but not where it is untrusted", async () => {
    const config = join(folder.path, "config");
    const secrets = { key: { from: "env:OWN_TOKEN", hosts: ["a.example"] } };
    mkdirSync(join(config, "geppetto-js"), { recursive: true });
    writeFileSync(join(config, "geppetto-js", "config.yaml"), JSON.stringify({ secrets }));
    const names = async (...args: string[]): Promise<string> => {
      const env = { XDG_CONFIG_HOME: config, OWN_TOKEN: "a-token-nobody-sees-0815" };
      return (await runCli(["repl", ...args], { input: "Object.keys(secrets)\n", env })).stdout;
    };
    expect([await names(), await names("--untrusted")]).toEqual(["[ 'key' ]\n", "[]\n"]);
  });

  it("knows commands that begin with a dot", async () => {
    const file = folder.file("loaded.ts", "const loaded: number = 8;\nlet more = loaded;\n[1].length\n");
    const { stdout, stderr, code } = await repl([
      ".help",
      `.load ${file}`,
      "loaded",
      "1 +",
      " 1",
      "nope nope",
      ".save saved.ts",
      ".model",
      ".model embedded",
      ".model nobody:x",
      ".events on",
      "await chat('echo: e')",
      ".events off",
      ".events maybe",
      ".load nowhere.ts",
      ".load",
      ".what",
      ".exit",
      "never",
    ]);
    expect([stdout, code]).toEqual(["1\n8\n2\ne\n", 0]);
    expect(readFileSync(join(folder.path, "saved.ts"), "utf8")).toBe(
      "const loaded: number = 8;\nlet more = loaded;\n[1].length\n\nloaded\n1 +\n 1\n",
    );
    for (const text of [
      ".load FILE",
      "embedded:demo answers",
      "events are shown",
      '"type":"final"',
      "events are not shown",
      'error [ERR_USAGE]: Cannot set events to "maybe"',
      "error [ERR_USAGE]: Cannot load nowhere.ts: there is no such file or folder",
      "error [ERR_USAGE]: Cannot go on without a file: write .load FILE",
      "error [ERR_USAGE]: There is no command .what; .help shows those that there are",
    ]) {
      expect(stderr).toContain(text);
    }
    expect(stderr).not.toContain("never");
  });

  it("has no colours, and runs the same each time where it is asked to", async () => {
    const { stdout } = await repl(
      ["[1, 'a', null]", "Math.random()", "Date.now()", "crypto.randomUUID()"],
      "--deterministic",
    );
    expect(stdout).toContain("[ 1, 'a', null ]\n");
    expect(
      (await repl(["[1, 'a', null]", "Math.random()", "Date.now()", "crypto.randomUUID()"], "--deterministic")).stdout,
    ).toBe(stdout);
  });

  it("keeps no history, and cancels at Ctrl-C what runs", async () => {
    const data = mkdtempSync(join(tmpdir(), "geppetto-repl-"));
    try {
      const { child, result, seen } = startCli(["repl"], {
        open: true,
        cwd: folder.path,
        env: { XDG_DATA_HOME: data },
      });
      child.stdin.write("const kept = 'kept it'\nconsole.log('begins'); for (;;) ;\n");
      await seen("begins");
      child.kill("SIGINT");
      await seen("cancelled");
      child.stdin.write("kept\n");
      await seen("kept it");
      child.kill("SIGINT");
      expect((await result).code).toBe(130);
      await expect(async () => readFileSync(join(data, "geppetto-js", "repl-history"))).rejects.toThrow("ENOENT");
    } finally {
      rmSync(data, { recursive: true });
    }
  });

  it("refuses a line without end", async () => {
    const { code, stderr } = await repl(`"${"x".repeat(3_000_000)}`);
    expect([code, stderr]).toEqual([
      2,
      "error [ERR_USAGE]: Cannot read stdin: a line is longer than 1000000 characters\n",
    ]);
  });
});
