import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { RunLog } from "../../../src/recordings/index.ts";
import { writeFirstLog } from "../../recordings/old-log.ts";
import { runCli, ScriptFolder, startCli, type CliOptions, type CliResult } from "../run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

let count = 0;

/** The command line with a log of its own. */
function withLog(): {
  file: string;
  env: NonNullable<CliOptions["env"]>;
  cli: (...args: string[]) => Promise<CliResult>;
} {
  const file = join(folder.path, `log-${count++}`, "runs.db");
  const env = { GEPPETTO_LOG: file };
  return { file, env, cli: (...args) => runCli(args, { env }) };
}

const TOOL = `{ name: "weather", description: "tells it", input: { type: "object" }, run: () => ({ degrees: 21 }) }`;

describe.concurrent("runs show", () => {
  it("shows prompts, tools, answers, output, usage and exit code", async () => {
    const { cli } = withLog();
    const script = folder.file(
      "ask.js",
      `console.log("one");
      console.error("two");
      const tools = [${TOOL}];
      await chat('call: weather {"city":"Rome"}', { tools, system: "Be brief" });
      console.log("three");
      await doubleStep.startAsync(4);
      process.exitCode = 3;`,
    );
    await cli("run", "-q", script, "arg");
    const { stdout, stderr, code } = await cli("runs", "show", "last");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(stdout).toMatch(/^script +ask\.js \(run\)\narguments +"arg"\n/m);
    expect(stdout).toMatch(/^settings +.*limits\.memoryMB=128/m);
    expect(stdout).toMatch(/^used +1 call, \d+ tokens in, \d+ out\nstate +failed\nexit code +3\nend +completed\n/m);
    expect(stdout).toMatch(
      new RegExp(
        [
          "call 1 +chat embedded:demo, completed after .*, \\d+ tokens in, \\d+ out",
          "  system +Be brief",
          '  user +call: weather {"city":"Rome"}',
          '  tool +weather\\({"city":"Rome"}\\) → {"degrees":21}',
          "  answer +\\[demo\\] .*",
          "step +double \\w{8}: \\d+ events, final after .*",
          "stdout +one",
          "stderr +two",
          "stdout +three\n$",
        ].join("\n"),
      ),
    );
    const json = JSON.parse((await cli("runs", "show", "last", "--json")).stdout) as Record<string, unknown>;
    expect(json).toMatchObject({
      state: "failed",
      exitCode: 3,
      usage: { calls: 1 },
      calls: [{ kind: "chat", system: "Be brief", toolCalls: [{ name: "weather", result: { degrees: 21 } }] }],
      output: [
        { stream: "stdout", text: "one\n" },
        { stream: "stderr", text: "two\n" },
        { stream: "stdout", text: "three\n" },
      ],
    });
    const [listed] = (await cli("runs", "list")).stdout.split("\n").slice(1);
    expect(listed).toMatch(/ ask\.js +failed \(exit 3\) /);
  });

  it("shows what went wrong, where, and what to do", async () => {
    const { cli } = withLog();
    const script = folder.file("failing.js", `console.log("x");\nawait chat("error: 429");`);
    expect((await cli("run", "-q", script)).code).toBe(75);
    const { stdout } = await cli("runs", "show", "last");
    expect(stdout).toMatch(
      /^exit code +75\nend +uncaught\nerror +ProviderError \[ERR_RATE_LIMIT\]: .*\n {2}at +failing\.js:2:7\n {2}hint +wait a little/m,
    );
    expect(stdout).toMatch(
      /^call 1 +chat embedded:demo, failed.*\n {2}user +error: 429\n {2}error +\[ERR_RATE_LIMIT\]/m,
    );
  });

  it("keeps no variable whose name says that it is secret, wherever it turns up", async () => {
    const { cli, file } = withLog();
    const script = folder.file(
      "secret.js",
      `console.log("it is " + process.env.API_TOKEN); console.error(process.env.NAME);
      const tools = [{ name: "x", input: { type: "object" }, run: () => process.env.API_TOKEN }];
      await chat("echo: " + process.env.API_TOKEN); await chat("call: x {}", { tools });
      throw new Error(process.env.API_TOKEN);`,
    );
    const { stdout: printed } = await cli("run", "-q", "-e", "API_TOKEN=hidden-value", "-e", "NAME=Ann", script);
    expect(printed).toBe("it is hidden-value\n");
    const { stdout } = await cli("runs", "show", "last", "--full");
    expect(stdout).toMatch(/^ {2}user +echo: \[redacted\]\n {2}answer +\[redacted\]$/m);
    expect(stdout).toMatch(/^stdout +it is \[redacted\]\nstderr +Ann$/m);
    for (const part of [file, `${file}-wal`].filter((path) => existsSync(path)))
      expect(readFileSync(part, "latin1")).not.toContain("hidden-value");
  });

  it("shows the last of many calls and pieces, and says how many more there are", async () => {
    const { cli } = withLog();
    const script = folder.file(
      "many.js",
      `for (let i = 0; i < 60; i++) { console.log("out " + i); console.error("err " + i); await doubleStep.startAsync(i); }
      await Promise.all(Array.from({ length: 60 }, (_, i) => chat("echo: " + i)));`,
    );
    await cli("run", "-q", "--concurrency", "60", script);
    const { stdout } = await cli("runs", "show", "last");
    for (const note of ["10 earlier calls", "40 earlier steps", "70 earlier pieces"])
      expect(stdout).toContain(` … ${note} left out, --full shows them …\n`);
    expect(stdout.match(/^call \d+/gm)!.at(-1)).toBe("call 60");
    expect((await cli("runs", "show", "last", "--full")).stdout).not.toContain("left out");
  });

  it("shows the error that nobody looked at", async () => {
    const { cli } = withLog();
    const script = folder.file("unseen.js", `new ChatStepFactory().newStep().runWithEvents("error: 429", () => {});`);
    expect((await cli("run", "-q", script)).code).toBe(75);
    const { stdout } = await cli("runs", "show", "last");
    expect(stdout).toMatch(/^state +failed\nexit code +75\nend +completed\nerror +ProviderError \[ERR_RATE_LIMIT\]: /m);
    expect((await cli("runs", "list")).stdout).toMatch(/ unseen\.js +failed \(ERR_RATE_LIMIT\) /);
  });

  it("cuts long texts with a note, and shows them whole with --full", async () => {
    const { cli } = withLog();
    const script = folder.file(
      "long.js",
      `for (let i = 0; i < 300; i++) console.log("line " + i); await chat("echo: " + "w".repeat(5000) + "END");`,
    );
    await cli("run", "-q", script);
    const cut = await cli("runs", "show", "last");
    expect(cut.stdout).toMatch(/line 19\n +… \d+ characters left out, --full shows them …\n +line 280\n/);
    expect(cut.stdout).not.toContain("line 100");
    expect(cut.stdout.match(/characters left out, --full shows them/g)).toHaveLength(3);
    const full = await cli("runs", "show", "last", "--full");
    expect(full.stdout).toContain("line 100\n");
    expect(full.stdout).toContain(`${"w".repeat(5000)}END`);
    expect(full.stdout).not.toContain("--full");
  });

  it("follows a run as it goes, and ends with it", async () => {
    const { cli, env } = withLog();
    const waiting = folder.file(
      "waiting.js",
      `console.log("began"); console.log(await chat("slow: 50ms\\necho: ${"word ".repeat(60)}")); process.exit(4);`,
    );
    const running = startCli(["run", "-q", waiting], { env });
    let id = "";
    while (id === "") id = /"id":"([^"]+)"/.exec((await cli("runs", "list", "--json")).stdout)?.[1] ?? "";
    const following = startCli(["runs", "show", id, "--follow"], { env });
    const json = startCli(["runs", "show", id, "--follow", "--json"], { env });
    await following.seen("began");
    expect(running.child.exitCode).toBeNull();
    expect((await running.result).code).toBe(4);
    const { stdout, code } = await following.result;
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^script +waiting\.js[^]*stdout +began\ncall 1 +chat[^]*\n {2}answer +(?:word )+\nstdout +(?:word )+\n[^]*state +failed\nexit code +4\nend +exit\n/m,
    );
    expect(JSON.parse((await json.result).stdout)).toMatchObject({ id, state: "failed", exitCode: 4 });
  });

  it("ends following when the run's process is killed", async () => {
    const { env } = withLog();
    const script = folder.file(
      "killed.js",
      `console.log("began"); await new Promise((end) => setTimeout(end, 600_000));`,
    );
    const running = startCli(["run", "-q", script], { env });
    await running.seen("began");
    const seen = async (): Promise<boolean> => (await runCli(["runs", "list"], { env })).stdout.includes("running");
    while (!(await seen())) await new Promise((next) => setTimeout(next, 50));
    const following = startCli(["runs", "show", "last", "--follow"], { env });
    await following.seen("began");
    running.child.kill("SIGKILL");
    await running.result;
    const { stdout, code } = await following.result;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^stdout +began\n[^]*^state +killed: /m);
  });

  it("says which runs an id may mean, and that there is none", async () => {
    const { cli, file } = withLog();
    mkdirSync(join(file, ".."), { recursive: true });
    {
      using log = RunLog.open(file);
      for (let i = 0; i < 7; i++) await log.begin({ script: "a.js", id: `ab${i}` }).end({ ok: true });
    }
    for (const command of ["show", "export"]) {
      const several = await cli("runs", command, "ab");
      expect(several).toMatchObject({ code: 66, stdout: "" });
      expect(several.stderr).toBe(
        'error [ERR_RUN_UNKNOWN]: Cannot find the run: the ids of several begin with "ab": ab0, ab1, ab2, ab3, ab4, …\n',
      );
      const none = await cli("runs", command, "zz");
      expect(none).toMatchObject({ code: 66, stdout: "" });
      expect(none.stderr).toMatch(
        /^error \[ERR_RUN_UNKNOWN\]: Cannot find the run: no run's id begins with "zz"; geppetto-js runs list /,
      );
      expect((await cli("runs", command, "")).code).toBe(66);
    }
    expect((await cli("runs", "show", "ab3")).code).toBe(0);
  });

  it("keeps what scripts, models and file names hold from steering a terminal", async () => {
    const { cli } = withLog();
    const name = "a\u001b[31m\u202eb\nc.js";
    const steer = "\u001b[2J\u009b31m\u202e\nexit code   0";
    const script = folder.file(
      name,
      `process.stdout.write(${JSON.stringify(steer)}); console.error("\\x1b]0;title\\x07");
      await chat("echo: " + ${JSON.stringify(steer)}).catch(() => {}); process.exit(5);`,
    );
    await cli("run", "-q", script);
    const shown = await cli("runs", "show", "last");
    const listed = await cli("runs", "list");
    const json = await cli("runs", "show", "last", "--json");
    expect(shown.stdout.match(/^exit code .*$/gm)).toEqual(["exit code   5"]);
    expect(listed.stdout.trimEnd().split("\n")).toHaveLength(2);
    for (const { stdout } of [shown, listed, json])
      // oxlint-disable-next-line no-control-regex -- control characters are what this is about
      expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
  });
});

describe.concurrent("a log of runs that others left", () => {
  it("in the form of an older version is listed, shown and exported", async () => {
    const { cli, file } = withLog();
    mkdirSync(join(file, ".."), { recursive: true });
    writeFirstLog(file);
    const { stdout } = await cli("runs", "list");
    expect(stdout).toMatch(
      /\nkilled .* old\.js +killed +- +0 +0 +-\nended .* old\.js +completed +250 ms +1 +7 +\$0\.25\n$/,
    );
    const shown = await cli("runs", "show", "ended");
    expect(shown.stdout).toMatch(/^call 1 .*\n {2}user +echo: hi there\n {2}answer +hi there\n/m);
    expect(JSON.parse((await cli("runs", "export", "ended")).stdout)).toMatchObject({
      id: "ended",
      state: "completed",
    });
    expect((await cli("eval", "1")).stderr).toBe("");
    expect((await cli("runs", "list")).stdout.trimEnd().split("\n")).toHaveLength(4);
  });

  it("of a newer version is exit code 66, and keeps no script from running", async () => {
    const { cli, file } = withLog();
    await cli("eval", "1");
    {
      using database = new DatabaseSync(file);
      database.exec("PRAGMA user_version = 99");
    }
    for (const args of [["list"], ["show", "last"], ["show", "last", "--follow"]]) {
      const { code, stdout, stderr } = await cli("runs", ...args);
      expect({ code, stdout }).toEqual({ code: 66, stdout: "" });
      expect(stderr).toMatch(
        /^error \[ERR_NO_FILE\]: Cannot read the run log .*: a newer version of geppetto-js made it\n$/,
      );
    }
    expect(await cli("eval", "6*7")).toMatchObject({ code: 0, stdout: "42\n" });
  });

  it("is shown as far as it can be read", async () => {
    const { cli, file } = withLog();
    await cli("eval", "-q", "console.log('out'); await chat('echo: hi')");
    {
      using database = new DatabaseSync(file);
      database.exec("UPDATE calls SET request = '{'; UPDATE output SET stream = 'else'; UPDATE runs SET state = 'x'");
    }
    const { code, stdout } = await cli("runs", "show", "last");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^state +completed\n[^]*^damaged +a part[^]*^call 1 +chat demo[^]*^stdout +out\n/m);
    expect((await cli("runs", "list")).stdout).toMatch(/ eval +completed /);
  });

  it.skipIf(process.getuid?.() === 0)(
    "in a folder that cannot be written is read, and changed by nothing",
    async () => {
      const { cli, file } = withLog();
      mkdirSync(join(file, ".."), { recursive: true });
      writeFirstLog(file);
      chmodSync(file, 0o400);
      chmodSync(join(file, ".."), 0o500);
      try {
        expect((await cli("runs", "list")).stdout).toMatch(/ old\.js +completed /);
        expect((await cli("runs", "show", "ended")).stdout).toMatch(/^ {2}answer +hi there$/m);
        const run = await cli("eval", "6*7");
        expect(run).toMatchObject({ code: 0, stdout: "42\n" });
        expect(run.stderr).toMatch(/^Continuing without the run log /);
        expect(existsSync(`${file}-wal`)).toBe(false);
      } finally {
        chmodSync(join(file, ".."), 0o700);
      }
    },
  );
});
