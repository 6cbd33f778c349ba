import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LOG_FILE, runCli, ScriptFolder, startCli } from "./run-cli.ts";

const isPosix = process.platform !== "win32";
const main = fileURLToPath(new URL("../../dist/cli/main.cjs", import.meta.url));

let folder: ScriptFolder;
beforeEach(() => {
  folder = new ScriptFolder();
});
afterEach(() => folder.remove());

function path(name: string): string {
  return join(folder.path, name);
}

/** Runs the command line by a line of the shell, in which it is "$@". */
function inShell(
  line: string,
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { PATH } = process.env;
  const child = spawn("bash", ["-c", line, "bash", process.execPath, main, ...args], {
    env: { PATH, GEPPETTO_LOG: LOG_FILE, XDG_CONFIG_HOME: path("config"), NODE_DISABLE_COMPILE_CACHE: "1" },
    cwd: folder.path,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

describe.skipIf(!isPosix)("files with conversations", () => {
  it("can be read by their owner alone", async () => {
    const log = path("runs.db");
    const env = { GEPPETTO_LOG: log, GEPPETTO_AUDIT: path("audit") };
    // One that others can read already is theirs no more.
    folder.file("events", "before");
    await runCli(["eval", `--events=${path("events")}`, "--record", path("tape.json"), "await chat('hi')"], { env });
    await runCli(["runs", "export", "last", "--out", path("run.json")], { env });
    for (const name of ["events", "tape.json", "audit", "runs.db", "run.json"])
      expect([name, statSync(path(name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(readFileSync(path("events"), "utf8")).not.toContain("before");
  });

  it("are not written through a link, nor under another name of a file", async () => {
    folder.file("mine", "mine");
    symlinkSync(path("mine"), path("link"));
    symlinkSync(path("new"), path("dangling"));
    linkSync(path("mine"), path("hard"));
    for (const name of ["link", "dangling", "hard"]) {
      const events = await runCli(["eval", `--events=${path(name)}`, "1"]);
      expect(events).toMatchObject({
        code: 74,
        stdout: "",
        stderr: expect.stringMatching(/it is (a link|another name of a file)/),
      });
      expect((await runCli(["eval", "--record", path(name), "1"])).code).not.toBe(0);
      expect((await runCli(["eval", "1"], { env: { GEPPETTO_AUDIT: path(name) } })).code).toBe(78);
    }
    await runCli(["eval", "1"]);
    expect((await runCli(["runs", "export", "last", "--out", path("link")])).code).toBe(74);
    expect(readFileSync(path("mine"), "utf8")).toBe("mine");
    expect(existsSync(path("new"))).toBe(false);
  });

  it("are not waited for where a pipe stands in their place, and the error says what works", async () => {
    execFileSync("mkfifo", [path("pipe")]);
    const script = folder.file("a.js", "console.log(1)");
    const pipe = path("pipe");
    const runs: [args: string[], code: number, how: RegExp][] = [
      [["run", `--events=${pipe}`, script], 74, /--events alone writes them to stderr/],
      [["run", "--record", pipe, script], 74, /Cannot record to/],
      [["run", "--replay", pipe, script], 66, /Cannot replay/],
      [["run", "--input", pipe, script], 66, /--input - reads stdin/],
      [["run", pipe], 66, /- reads a script from stdin/],
      [["run", "--events=/dev/null", script], 74, /--events alone/],
    ];
    for (const [args, code, how] of runs) {
      const result = await runCli(args);
      expect({ args, code: result.code, stdout: result.stdout }).toEqual({ args, code, stdout: "" });
      expect(result.stderr).toMatch(/it is not a regular file/);
      expect(result.stderr).toMatch(how);
    }
    const logged = await runCli(["eval", "6*7"], { env: { GEPPETTO_LOG: pipe } });
    expect(logged).toMatchObject({ code: 0, stdout: "42\n" });
    expect(logged.stderr).toMatch(/it is not a regular file; --no-log runs without one/);
    expect((await runCli(["runs", "list"], { env: { GEPPETTO_LOG: pipe } })).code).toBe(66);
  });
});

describe("what is read", () => {
  it("is bounded by its size, in files before anything of it is read", async () => {
    const script = folder.file("a.js", "console.log(1)");
    folder.file("input", "");
    truncateSync(path("input"), 64_000_001);
    folder.file("big.js", "");
    truncateSync(path("big.js"), 16_000_001);
    folder.file("big.yaml", `a: ${"x".repeat(64_000)}`);
    const runs: [args: string[], input: string, error: RegExp][] = [
      [["run", "--input", path("input"), script], "", /Cannot read the input .*: it is larger than 64 MB/],
      [["run", path("big.js")], "", /Cannot run .*: it is larger than 16 MB/],
      [["run", "-"], " ".repeat(16_000_001), /Cannot read the script from stdin: it is larger than 16 MB/],
      [["profiles", "import", path("big.yaml")], "", /Cannot use big\.yaml: it is larger than 64 kB/],
    ];
    for (const [args, input, error] of runs) {
      const { code, stdout, stderr } = await runCli(args, { input, env: { XDG_CONFIG_HOME: path("config") } });
      expect({ args, stdout, isRefused: code === 66 || code === 78 }).toEqual({ args, stdout: "", isRefused: true });
      expect(stderr).toMatch(error);
    }
  });
});

describe("what scripts have written", () => {
  const STEER = "a\nend        completed\u001b[2J\u009b31m\u202eb\u2066";

  it("passes in runs show for nothing of ours", async () => {
    const env = { GEPPETTO_LOG: path("runs.db") };
    await runCli(["eval", `throw new Error(${JSON.stringify(STEER)})`], { env });
    const { stdout } = await runCli(["runs", "show", "last"], { env });
    expect(stdout.match(/^end /gm)).toHaveLength(1);
    expect(stdout).toMatch(/^error +Error: a\n +end {8}completed␛\[2J/m);
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
  });

  it("is escaped in JSON, in every document and event", async () => {
    const env = { GEPPETTO_LOG: path("runs.db") };
    const args = ["eval", "--json", `--events=${path("events")}`, "--record", path("tape.json")];
    const text = await runCli([...args, `await chat("echo: " + ${JSON.stringify(STEER.replace("\n", ""))})`], { env });
    const exported = await runCli(["runs", "export", "last"], { env });
    const shown = await runCli(["runs", "show", "last", "--json"], { env });
    expect((JSON.parse(text.stdout) as { result: string }).result).toContain("\u009b31m\u202eb\u2066");
    const files = ["events", "tape.json"].map((name) => readFileSync(path(name), "utf8"));
    for (const json of [text.stdout, exported.stdout, shown.stdout, ...files]) {
      expect(json).toContain("\\u009b");
      // oxlint-disable-next-line no-control-regex -- control characters are what this is about
      expect(json).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
    }
  });
});

describe.skipIf(!isPosix)("output that cannot be written", () => {
  it.skipIf(!existsSync("/dev/full"))("ends in exit code 74, whatever prints it", async () => {
    await runCli(["eval", "1"]);
    for (const args of [
      ["eval", "'x'"],
      ["eval", "--json", "1"],
      ["eval", "console.log('x'); 5"],
      ["runs", "list"],
      ["profiles", "show"],
      ["--version"],
      ["repl"],
    ]) {
      const { code, stderr } = await inShell('echo 1 | "$@" > /dev/full', args);
      expect({ args, code }).toEqual({ args, code: 74 });
      expect(stderr).toMatch(/^error \[ERR_OUTPUT\]: Cannot write to stdout: the disk is full\n$/m);
    }
  });

  it("ends in exit code 74 where it is recordings or events, which are no success", async () => {
    const script = folder.file("long.js", `console.log((await chat("echo: " + "x".repeat(40_000))).length)`);
    const full = 'ulimit -f 8; exec "$@"';
    const recorded = await inShell(full, ["run", "--no-log", "--record", "tape.json", script]);
    expect(recorded).toMatchObject({ code: 74, stdout: "40000\n" });
    expect(recorded.stderr).toMatch(
      /error \[ERR_OUTPUT\]: Cannot keep every answer in tape\.json: the file would be too large/,
    );
    expect(existsSync(path("tape.json")) ? readFileSync(path("tape.json"), "utf8") : "").toBe("");
    const seen = await inShell(full, ["run", "--no-log", "--json", "--events=events", script]);
    expect(seen.code).toBe(74);
    expect(JSON.parse(seen.stdout)).toMatchObject({ ok: false, exitCode: 74 });
    expect(readdirSync(folder.path).filter((name) => name.endsWith(".partial"))).toEqual([]);
  });

  it("does not empty the list of runs", async () => {
    const env = { GEPPETTO_LOG: LOG_FILE };
    await runCli(["eval", "1"], { env });
    const { code, stdout } = await inShell('ulimit -f 0; exec "$@"', ["runs", "list"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ eval +completed /);
  });
});

describe.skipIf(!isPosix)("a terminal that is closed", () => {
  it("ends the script at once with exit code 129, and the answers before it are recorded", async () => {
    const script = folder.file(
      "wait.js",
      `console.log(await chat("echo: kept")); await new Promise(() => setTimeout(() => {}, 1e8));`,
    );
    const tape = path("tape.json");
    const running = startCli(["run", "--record", tape, script]);
    await running.seen("kept");
    expect(readFileSync(tape, "utf8")).toContain("kept");
    running.child.kill("SIGHUP");
    const { code, stderr } = await running.result;
    expect({ code, stderr: stderr.split("\n").at(-2) }).toEqual({ code: 129, stderr: "hung up" });
  });

  it("finds what was printed in the cassette, when the process is killed then", async () => {
    writeFileSync(path("asks.js"), `for (let i = 0; ; i++) console.log(await chat("echo: answer-" + i));`);
    for (let round = 0; round < 5; round++) {
      const tape = path(`tape-${round}.json`);
      const running = startCli(["run", "--no-log", "--set", "chat.deltaMs=0", "--record", tape, path("asks.js")]);
      await running.seen(`answer-${round * 3}\n`);
      running.child.kill("SIGKILL");
      const { stdout } = await running.result;
      const text = readFileSync(tape, "utf8");
      for (const line of stdout.split("\n").slice(0, -1)) expect(text).toContain(`echo: ${line}"`);
    }
  });
});

describe("the name of a file that is none", () => {
  it.each([
    ["--record", ""],
    ["--record", "new/"],
    ["--trace", ""],
    ["--trace", "new/"],
  ])("is exit code 74 before the script runs: %s '%s'", async (option, name) => {
    const script = folder.file("says.js", `console.log(await chat("echo: ran"));`);
    const { code, stdout, stderr } = await runCli(["run", "-q", "--no-log", option, name, script], {
      cwd: folder.path,
    });
    expect({ code, stdout }).toEqual({ code: 74, stdout: "" });
    expect(stderr).toContain("it is not the name of a file");
  });
});

describe("an output file whose name is none", () => {
  const home = (): Record<string, string> => ({ XDG_CONFIG_HOME: join(folder.path, "import-home") });

  it.each(["", "new/"])("is exit code 74, and leaves nothing: --out '%s'", async (name) => {
    folder.file("says-it.js", "console.log(1)");
    await runCli(["run", "-q", "says-it.js"], { cwd: folder.path });
    const listed = await runCli(["runs", "list", "--json"], { cwd: folder.path });
    const { id } = JSON.parse(listed.stdout.split("\n")[0]!) as { id: string };
    for (const args of [
      ["runs", "export", id],
      ["runs", "trace", id],
    ]) {
      const { code, stdout, stderr } = await runCli([...args, "--out", name], { cwd: folder.path });
      expect({ args, code, stdout, stderr }).toMatchObject({
        code: 74,
        stdout: "",
        stderr: expect.stringContaining("it is not the name of a file") as string,
      });
    }
  });

  it.each(["", "new/", "there.yaml"])("stores no keys of profiles that are imported: --out '%s'", async (name) => {
    folder.file("there.yaml", "");
    folder.file("old.yaml", "mine:\n  openai-chat: { openai-api-key: canary-1 }\n");
    const options = { cwd: folder.path, env: home() };
    const { code } = await runCli(["profiles", "import", "old.yaml", "--out", name], options);
    expect(code).toBe(74);
    expect((await runCli(["keys", "list"], options)).stdout).not.toContain("mine");
    expect((await runCli(["profiles", "import", "old.yaml", "--out", "-"], options)).code).toBe(0);
    expect((await runCli(["keys", "list"], options)).stdout).toContain("mine");
    await runCli(["keys", "remove", "mine"], options);
  });
});

it.each([
  ["--json=false", "hint: --json takes no value: write --json, or leave it out\n"],
  ["--jsn=false", ""],
])("an option that takes no value says so: %s", async (option, hint) => {
  const { code, stderr } = await runCli(["run", option, "script.js"], { cwd: folder.path });
  expect(code).toBe(2);
  expect(stderr.match(/^hint: .* takes no value.*\n/m)?.[0] ?? "").toBe(hint);
});
