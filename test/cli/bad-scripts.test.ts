import { afterAll, describe, expect, it } from "vitest";
import { runCli, ScriptFolder, startCli } from "./run-cli.ts";
import { timed } from "../machine/machine-watch.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

describe.concurrent("a script that", () => {
  it("has a syntax error is not run: exit code 65, with the place", async () => {
    const script = folder.file("syntax.js", `console.log("never");\nconst x = ;\n`);
    const { code, stdout, stderr } = await runCli(["run", script], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 65, stdout: "" });
    expect(stderr).toBe(
      "SyntaxError [ERR_SCRIPT_LOAD]: Unexpected token ';'\n\n" +
        `  1 | console.log("never");\n> 2 | const x = ;\n    |           ^\n  3 |\n\n    at syntax.js:2:11\n`,
    );
  });

  it("imports what cannot be imported is not run: exit code 65", async () => {
    const script = folder.file("import.js", `import fs from "fs";`);
    expect(await runCli(["run", script])).toMatchObject({
      code: 65,
      stderr: expect.stringContaining('"fs"') as string,
    });
  });

  it("throws is shown with its code, frames and hint, and nothing of the host", async () => {
    const script = folder.file("throws.js", "function inner(x) {\n\treturn x.foo.bar;\n}\nawait 1;\ninner({});\n");
    const { code, stderr } = await runCli(["run", script], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stderr).toContain("TypeError: Cannot read properties of undefined (reading 'bar')\n");
    expect(stderr).toContain("> 2 |  return x.foo.bar;\n    |               ^\n");
    expect(stderr).toContain("    at inner (throws.js:2:15)\n    at throws.js:5:1\n");
    expect(stderr).not.toContain(folder.path);
    expect(stderr).not.toMatch(/node_modules|dist\/|isolated-vm|geppetto:|file:\/\//);
  });

  it("throws an error with a cause shows both", async () => {
    const script = folder.file(
      "cause.js",
      `setTimeout(() => {\n  throw new Error("outer", { cause: new TypeError("inner") });\n}, 1);`,
    );
    const { code, stderr } = await runCli(["run", script], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stderr).toContain("Error: outer\n");
    expect(stderr).toContain("caused by TypeError: inner\n    at cause.js:2:37\n");
  });

  it.each([
    ["a callback", `new ChatStepFactory().newStep().runWithEvents("echo: a", () => { throw new Error("mine"); });`],
    ["a timer", `setTimeout(() => { throw new Error("mine"); }, 1); setTimeout(() => {}, 600_000);`],
    ["a promise that nobody awaits", `Promise.reject(new Error("mine")); setTimeout(() => {}, 600_000);`],
  ])("throws in %s ends at once with exit code 1", async (what, code) => {
    const script = folder.file(`in ${what}.js`, code);
    const result = await runCli(["run", "-q", script]);
    expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^Error: mine\n/) as string });
    expect(result.durationMs).toBeLessThan(600_000);
  });

  it("forges frames and control characters gains nothing", async () => {
    const script = folder.file(
      "forge.js",
      `const e = new Error("x"); e.stack = "Error: x\\n    at file:///etc/passwd:1:1\\n    at f (file:///forge.js:1:7)"; throw e;`,
    );
    const { stderr } = await runCli(["run", script], { cwd: folder.path });
    expect(stderr).toContain("at f (forge.js:1:7)");
    expect(stderr).not.toMatch(/^ +at .*passwd/m);
  });

  it.each([
    ["an unknown role", `new Conversation().addMessage("boss", "x")`, /^ConversationError.*role must be.*"boss"/],
    [
      "a conversation of the wrong shape",
      `await new ChatStepFactory().newStep().startAsync({ messages: [{ role: "user", content: "a" }, { role: "user", content: 3 }] })`,
      /^ValidationError.*messages\[1\]\.content/,
    ],
    ["a wrong input for a step", `await doubleStep.startAsync("x")`, /^ValidationError.*number/],
    ["an await of nothing", `await new Promise(() => {})`, /^Error \[ERR_SCRIPT_STALLED\]/],
    ["an error that only claims a name", `const e = new Error("no"); e.name = "ProviderError"; throw e;`, /Error: no/],
  ])("has %s fails with exit code 1", async (what, code, text) => {
    const script = folder.file(`${what}.js`, code);
    const result = await runCli(["run", script]);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(text);
  });

  it("waits for too long is ended, and it says for what", async () => {
    const waits = await runCli([
      "run",
      "-q",
      "--timeout",
      "300ms",
      folder.file("waits.js", `await chat("slow: 20s\\necho: x")`),
    ]);
    expect(waits).toMatchObject({
      code: 124,
      stderr: expect.stringContaining("it was waiting for chat") as string,
    });
  });

  it("breaks the JavaScript engine itself ends with exit code 134", async () => {
    const script = folder.file("breaks.js", `"x".repeat(2 ** 28).split("")`);
    const { code, stderr } = await runCli(["run", "--memory", "1GB", script]);
    expect(code).toBe(134);
    expect(stderr).toMatch(/ERR_ENGINE_CRASHED[^]*hint: /);
  });

  it("has a name of all sorts of characters is still found in its stack", async () => {
    const script = folder.file("a (1) b+c.js", `console.log(1);\nthrow new Error("here");\n`);
    expect((await runCli(["run", script], { cwd: folder.path })).stderr).toContain("    at a (1) b+c.js:2:7\n");
  });

  it.each([
    ["memory", "const a = []; for (;;) a.push(new Array(1e5).fill(a.length));", /memory limit of 32 MB; .*--memory/],
    ["output", `for (;;) console.log("x".repeat(100_000));`, /output limit of 16000000 bytes/],
    ["timers", "for (;;) setTimeout(() => {}, 1e6);", /limit of pending timers of 10000/],
    ["runs", `for (;;) doubleStep.runWithEvents(1, () => {});`, /limit of concurrent runs of 1000/],
  ])("floods %s is ended: exit code 125", async (what, code, text) => {
    const script = folder.file(`floods ${what}.js`, code);
    const result = await runCli(["run", "--memory", "32MB", "--timeout", "10m", script]);
    expect(result.code).toBe(125);
    expect(result.stderr).toMatch(text);
  });

  it.each(["process", "thread"])(
    "prints without end stops quietly when nobody reads on, with --isolation %s",
    async (isolation) => {
      const script = folder.file("endless.js", `for (;;) console.log("y");`);
      const cli = startCli(["run", "--isolation", isolation, script]);
      await cli.seen("y\n");
      cli.child.stdout.destroy();
      expect(await cli.result).toMatchObject({ code: 0, stderr: "" });
    },
  );
});

describe("a script that never ends", () => {
  it("is ended: exit code 124, and it says in which line it was", async () => {
    const script = folder.file("spins.js", "function spin() {\n  for (;;);\n}\nspin();\n");
    const { result, allow } = await timed(() => runCli(["run", "--timeout", "1s", script], { cwd: folder.path }));
    const { code, stderr, durationMs } = result;
    expect(code).toBe(124);
    expect(stderr).toBe(
      "LimitError [ERR_LIMIT_WALL]: The script exceeded its time limit of 1000 ms; raise it with limits.wallMs or --timeout\n" +
        "it was computing\n\n" +
        "  1 | function spin() {\n> 2 |   for (;;);\n    |   ^\n  3 | }\n\n" +
        "    at spin (spins.js:2:3)\n    at spins.js:4:1\n",
    );
    expect(durationMs).toBeLessThan(allow(10_000));
  });

  it("says the line of the TypeScript that its author wrote", async () => {
    const script = folder.file(
      "spins.ts",
      "interface Cup { size: number }\n\nconst cup: Cup = { size: 1 };\nwhile (cup.size > 0);\n",
    );
    const { stdout } = await runCli(["run", "--json", "--timeout", "3s", script]);
    expect(JSON.parse(stdout)).toMatchObject({
      exitCode: 124,
      error: { code: "ERR_LIMIT_WALL", file: "spins.ts", line: 4 },
    });
  });
});
