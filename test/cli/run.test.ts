import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type CliResult, runCli, ScriptFolder, startCli } from "./run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

const print = folder.file("print.js", `console.log("out"); console.error("err"); export default 42;`);
const args = folder.file("args.js", `console.log(JSON.stringify(process.argv.slice(1)));`);
const ask = folder.file("ask.js", `console.log(await chat("echo: hello there"));`);

describe.concurrent("run", () => {
  it("prints what the script prints and its default export on stdout, the rest on stderr", async () => {
    const { code, stdout, stderr } = await runCli(["run", print]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "out\n42\n", stderr: "err\n" });
  });

  it("says once on stderr that the demo model is none", async () => {
    const script = folder.file("twice.js", `await chat("echo: a"); await chat("echo: b");`);
    const { stdout, stderr } = await runCli(["run", script]);
    expect(stdout).toBe("");
    expect(stderr.match(/demo model/g)).toHaveLength(1);
  });

  it("keeps quiet with -q, but for errors and the script's own stderr", async () => {
    const quiet = await runCli(["run", "-q", ask]);
    expect(quiet).toMatchObject({ code: 0, stdout: "hello there\n", stderr: "" });
    const script = folder.file("warns.js", `console.warn("careful"); throw new Error("no");`);
    expect((await runCli(["run", "-q", script])).stderr).toMatch(/^careful\nError: no\n/);
  });

  it("says with -v what runs with which limits, and how it ends", async () => {
    const { stdout, stderr } = await runCli(["run", "-v", "--memory", "64MB", "--timeout", "20s", ask]);
    expect(stdout).toBe("hello there\n");
    expect(stderr).toContain("ask.js: embedded:demo, process isolation, 64 MB, 20 s\n");
    expect(stderr).toMatch(/chat \(demo\) \w{8}: final after \d+ ms/);
    expect(stderr).toContain("completed, exit 0\n");
    expect(stderr).toMatch(/1 model call, 3 tokens in, 2 out\n$/);
  });

  it("says with --stats what it took, in one block", async () => {
    const script = folder.file(
      "stats.js",
      `await steps.createLambdaStep((n) => n).startAsync(1);
      await steps.createLambdaStep(() => { throw new Error("no") }).startAsync(1).catch(() => {});
      console.log(await chat("echo: hello there"));`,
    );
    const { stderr } = await runCli(["run", "-q", "--stats", script]);
    const time = String.raw`[\d.]+ m?s`;
    expect(stderr).toMatch(
      new RegExp(
        `^time {4}${time}, ${time} of it computing in \\d+ turns\n` +
          "models {2}1 call, 3 tokens in, 2 out\n" +
          "tools {3}0 calls\n" +
          "steps {3}2 done, 1 failed\n" +
          ` {8}lambda {2}2 × {2}avg ${time} +p\\(95\\) ${time} +max ${time}\n` +
          ` {8}chat {4}1 × {2}avg ${time} +p\\(95\\) ${time} +max ${time}\n$`,
      ),
    );
  });

  it("gives the script its arguments, without the one -- that only separates", async () => {
    expect((await runCli(["run", args, "a", "--b", "-c"])).stdout).toBe('["args.js","a","--b","-c"]\n');
    expect((await runCli(["run", args, "--", "--json", "--", "x"])).stdout).toBe('["args.js","--json","--","x"]\n');
  });

  it("runs a script that is named without the command", async () => {
    expect((await runCli([args, "--quiet"])).stdout).toBe('["args.js","--quiet"]\n');
    expect((await runCli(["args.js"], { cwd: folder.path })).stdout).toBe('["args.js"]\n');
  });

  it("runs a script that begins with #!", async () => {
    const script = folder.file("tool", `#!/usr/bin/env geppetto-js\nconsole.log(process.argv[2]);\nnope();\n`);
    const { code, stdout, stderr } = await runCli([script, "x"], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "x\n" });
    expect(stderr).toContain("at tool:3:1");
  });

  it.each([
    ["a module", "marked.js", "console.log(1);"],
    ["a classic script", "marked.cjs", "console.log(1);"],
    ["TypeScript", "marked.ts", "const n: number = 1; console.log(n);"],
    ["what imports", "imports.js", 'import { n } from "./marked-n.js"; console.log(n);'],
  ])("takes the mark of its byte order for no part of a script, before #! too: %s", async (_, name, code) => {
    folder.file("marked-n.js", "\uFEFFexport const n = 1;\n");
    const script = folder.file(name, `\uFEFF#!/usr/bin/env geppetto-js\n${code}\n(0)();\n`);
    const { stdout, stderr } = await runCli(["run", "--no-log", script], { cwd: folder.path });
    expect(stdout).toBe("1\n");
    expect(stderr).toContain(`at ${name}:3:`);
  });

  it.each(["process", "thread"])(
    "has UTC as local time, or what -e TZ names, with --isolation %s",
    async (isolation) => {
      const script = folder.file(
        `hour-${isolation}.js`,
        "console.log(new Date(0).getHours(), Intl.DateTimeFormat().resolvedOptions().timeZone, process.env.TZ, (0.5).toLocaleString());",
      );
      const env = { TZ: "Asia/Tokyo", LANG: "de_DE.UTF-8", LC_ALL: "de_DE.UTF-8" };
      const args = ["run", "--no-log", "--isolation", isolation];
      expect((await runCli([...args, script], { env })).stdout).toBe("0 UTC undefined 0.5\n");
      const { stdout } = await runCli([...args, "-e", "TZ=America/New_York", script], { env });
      expect(stdout).toBe("19 America/New_York America/New_York 0.5\n");
    },
  );

  it("refuses a time zone that is not known with exit code 78", async () => {
    const { code, stdout, stderr } = await runCli(["run", "-e", "TZ=Mars/Olympus", print]);
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(
      /Cannot use the time zone "Mars\/Olympus": it must be UTC or a name such as "Europe\/Berlin"/,
    );
  });

  it("reads the script from stdin", async () => {
    const { code, stdout } = await runCli(["run", "-", "a"], { input: "console.log(process.argv)" });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "[ 'geppetto-js', 'script.js', 'a' ]\n" });
  });

  it("runs a .cjs file as a classic script", async () => {
    const script = folder.file("classic.cjs", "var x = 20; this.x + 1");
    expect((await runCli(["run", script])).stdout).toBe("21\n");
  });

  it("hands over what is given with --input, as it is", async () => {
    const script = folder.file("input.js", "process.stdout.write(input())");
    const file = folder.file("data.txt", "größer\n  ✓ ");
    expect((await runCli(["run", "--input", file, script])).stdout).toBe("größer\n  ✓ ");
    expect((await runCli(["run", "--input", "-", script], { input: "piped" })).stdout).toBe("piped");
    expect((await runCli(["run", script])).stderr).toContain("input is not defined");
  });

  it("gives process.env what -e names, and nothing else", async () => {
    const script = folder.file("env.js", "console.log(JSON.stringify(process.env))");
    const { stdout } = await runCli(["run", "-e", "A=1", "-e", "B=x=y", script], { env: { SECRET: "s" } });
    expect(stdout).toBe('{"A":"1","B":"x=y"}\n');
  });

  it("ends with the code of process.exit(), and prints what came before", async () => {
    const script = folder.file("exit.js", `console.log("a"); process.exit(7); console.log("b")`);
    expect(await runCli(["run", script])).toMatchObject({ code: 7, stdout: "a\n", stderr: "" });
  });

  it("prints what done() was given instead of the default export", async () => {
    const script = folder.file("done.js", `done({ a: 1 }); export default "no";`);
    expect(await runCli(["run", script])).toMatchObject({ code: 0, stdout: "{ a: 1 }\n" });
  });

  it.each(["process", "thread"])("runs a script with --isolation %s", async (isolation) => {
    expect(await runCli(["run", "-q", "--isolation", isolation, ask])).toMatchObject({
      code: 0,
      stdout: "hello there\n",
    });
  });

  it("takes options that are not given from GEPPETTO_ variables", async () => {
    const script = folder.file("wait.js", "await new Promise((resolve) => setTimeout(resolve, 20_000))");
    expect((await runCli(["run", script], { env: { GEPPETTO_TIMEOUT: "200ms" } })).code).toBe(124);
    const flag = await runCli(["run", "--timeout", "300ms", script], { env: { GEPPETTO_TIMEOUT: "20s" } });
    expect(flag.stderr).toContain("300 ms");
    const document = await runCli(["run", print], { env: { GEPPETTO_JSON: "1" } });
    expect(JSON.parse(document.stdout)).toMatchObject({ ok: true });
    expect((await runCli(["run", print], { env: { GEPPETTO_JSON: "0", GEPPETTO_MODEL: "" } })).stdout).toBe(
      "out\n42\n",
    );
  });

  it("takes 1 and 0 in GEPPETTO_EVENTS for --events and for none, and not for the name of a file", async () => {
    const asking = folder.file("asking.js", `await chat("echo: a")`);
    const run = (GEPPETTO_EVENTS: string): Promise<CliResult> =>
      runCli(["run", "-q", asking], { cwd: folder.path, env: { GEPPETTO_EVENTS } });
    expect((await run("1")).stderr).toContain('"type":"start"');
    expect((await run("false")).stderr).toBe("");
    expect(existsSync(join(folder.path, "1")) || existsSync(join(folder.path, "false"))).toBe(false);
  });
});

describe.concurrent("run --json", () => {
  it("prints one document with the result, what was printed and what was used", async () => {
    const script = folder.file("result.js", `console.log("said"); export default [await chat("echo: a b")];`);
    const { code, stdout } = await runCli(["run", "--json", script]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      ok: true,
      result: ["a b"],
      error: null,
      usage: { calls: 1, inputTokens: 3, outputTokens: 2 },
      stats: {
        cpuMs: expect.any(Number),
        turns: expect.any(Number),
        steps: { done: 1, failed: 0, cancelled: 0 },
        toolCalls: 0,
      },
      durationMs: expect.any(Number) as number,
      runId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      end: "completed",
      exitCode: 0,
      stdout: "said\n",
    });
  });

  it("prints one document for a script that fails", async () => {
    const script = folder.file("fails.js", `throw new RangeError("too far")`);
    const { code, stdout, stderr } = await runCli(["run", "--json", script]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      result: null,
      error: { name: "RangeError", message: "too far", stack: expect.stringContaining("file:///fails.js:1") as string },
      exitCode: 1,
    });
    expect(stderr).toContain("RangeError: too far");
  });

  it.each([
    ["a missing file", ["run", "--json", "no-such.js"], 66],
    ["an unknown option", ["run", "--json", "--nonsense", "x.js"], 2],
    ["a time limit", ["run", "--json", "--timeout", "150ms", folder.file("spin.js", "for (;;);")], 124],
  ])("prints one document for %s", async (_, given, exitCode) => {
    const { code, stdout } = await runCli(given);
    expect(code).toBe(exitCode);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, exitCode, error: { message: expect.any(String) as string } });
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe.concurrent("run --events", () => {
  it("writes one event per line to a file", async () => {
    const file = join(folder.path, "events.ndjson");
    const { stdout } = await runCli(["run", "-q", `--events=${file}`, ask]);
    expect(stdout).toBe("hello there\n");
    const events = readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; seq: number });
    expect(events.map(({ type }) => type)).toEqual(["start", "partial", "partial", "final"]);
    expect(events.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
    expect(events.at(-1)).toMatchObject({ text: "hello there", meta: { engine: "demo" }, step: { type: "chat" } });
  });

  it("writes to stderr when it stands alone, and never takes the script for its file", async () => {
    const { code, stdout, stderr } = await runCli(["run", "-q", "-m", "embedded:demo", "--events", ask]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "hello there\n" });
    expect(
      stderr
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { type: string }).type),
    ).toEqual(["start", "partial", "partial", "final"]);
  });

  it("refuses a file that cannot be written", async () => {
    const { code, stderr } = await runCli(["run", "--events=no/such/folder.ndjson", ask]);
    expect(code).toBe(74);
    expect(stderr).toBe(
      "error [ERR_OUTPUT]: Cannot write the events to no/such/folder.ndjson: there is no such file or folder; --events alone writes them to stderr\n",
    );
  });
});

describe.concurrent("the command line itself", () => {
  it.each([
    [["run", "--tiemout", "3s", "x.js"], "error [ERR_USAGE]: unknown option '--tiemout'\n(Did you mean --timeout?)\n"],
    [["rnu", "x"], "error [ERR_USAGE]: unknown command 'rnu'\n(Did you mean run?)\n"],
    [
      ["run"],
      "error [ERR_USAGE]: missing required argument 'script'\nhint: geppetto-js run --help says how it is used\n",
    ],
    [["runs", "show"], "hint: geppetto-js runs show --help says how it is used\n"],
    [["run", "--timeout", "soon", "x.js"], "Expected a time such as 60s, 500ms or 2m, at most 24 days."],
    [["run", "--timeout", "1000h", "x.js"], "Expected a time such as 60s, 500ms or 2m, at most 24 days."],
    [["run", "--memory", "-3", "x.js"], "Expected a size such as 128MB or 1GB, from 8MB to 1000GB."],
    [["run", "--memory", "4", "x.js"], "Expected a size such as 128MB or 1GB, from 8MB to 1000GB."],
    [["run", "-e", "NAME", "x.js"], "Expected KEY=VALUE."],
    [["run", "-m", "openai:", "x.js"], "Expected provider:model"],
    [["run", "--isolation", "jail", "x.js"], "Allowed choices are process, thread."],
    [["run", "-q", "-v", "x.js"], "cannot be used with option"],
    [["run", "--wach", "x.js"], "(Did you mean --watch?)"],
    [["-m", "embedded:demo", "run", "x.js"], "hint: options follow the command"],
    [["run", "--input", "-", "-"], "Cannot read both the script and its input from stdin"],
    [["eval", "1", "2"], "too many arguments for 'eval'"],
  ])("refuses %j with exit code 2", async (given, text) => {
    const { code, stdout, stderr } = await runCli(given, { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(text);
  });

  it("reports a failure of its own with exit code 70, without paths and frames", async () => {
    // Once: what reports it needs it, too.
    const sabotage = `import crypto from "node:crypto"; import { syncBuiltinESMExports } from "node:module";
      const own = crypto.randomUUID;
      crypto.randomUUID = () => { crypto.randomUUID = own; throw new Error("Cannot open /secret/place/file.js\\n    at internals"); };
      syncBuiltinESMExports();`;
    const nodeArgs = ["--import", `data:text/javascript,${encodeURIComponent(sabotage)}`];
    const { code, stdout, stderr } = await runCli(["run", "--json", print], { nodeArgs });
    expect(code).toBe(70);
    expect(stderr).toBe("error [ERR_BUG]: geppetto-js has a bug, please report it: Cannot open file.js\n");
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, exitCode: 70 });
  });

  it("ends quietly when nobody reads its help", async () => {
    const cli = startCli(["run", "--help"]);
    cli.child.stdout.destroy();
    expect(await cli.result).toMatchObject({ code: 0, stderr: "" });
  });

  it("refuses files that are none with exit code 66", async () => {
    mkdirSync(join(folder.path, "folder.js"));
    const missing = await runCli(["run", "missing.js"], { cwd: folder.path });
    expect(missing).toMatchObject({
      code: 66,
      stderr: "error [ERR_NO_FILE]: Cannot run missing.js: there is no such file or folder\n",
    });
    const isFolder = await runCli(["run", "folder.js"], { cwd: folder.path });
    expect(isFolder).toMatchObject({
      code: 66,
      stderr: "error [ERR_NO_FILE]: Cannot run folder.js: it is a folder; - reads a script from stdin\n",
    });
    const input = await runCli(["run", "--input", "missing.txt", print], { cwd: folder.path });
    expect(input).toMatchObject({
      code: 66,
      stderr: expect.stringContaining("Cannot read the input missing.txt") as string,
    });
  });

  it.skipIf(process.getuid?.() === 0)("refuses a file that may not be read with exit code 66", async () => {
    const secret = folder.file("secret.js", "1");
    chmodSync(secret, 0);
    expect(await runCli(["run", secret])).toMatchObject({ code: 66 });
  });

  it("shows help and version on stdout", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect(await runCli(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n` });
    const { code, stdout } = await runCli(["run", "--help"]);
    expect(code).toBe(0);
    const groups =
      "Arguments, Model, Input and output, Limits, Permissions, Isolation, Reproducing, Lasting, Debugging, Options";
    expect([...stdout.matchAll(/^([A-Z][a-z ]+):$/gm)].map(([, group]) => group)).toEqual(groups.split(", "));
  });
});
