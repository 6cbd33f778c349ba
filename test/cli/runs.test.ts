import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { CANARY_KEY, runCli, ScriptFolder, startCli, type CliResult } from "./run-cli.ts";
import { timed } from "../machine/machine-watch.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

const ask = folder.file(
  "ask.js",
  `process.stdout.write(process.argv.slice(2).join("+") + " " + process.env.NAME + " " + input());
  console.log(await chat("Anna likes green tea. What does Anna like?"));`,
);
let count = 0;

/** The command line with a log of its own. */
function withLog(file = join(folder.path, `log-${count++}`, "runs.db")): {
  file: string;
  cli: (...args: string[]) => Promise<CliResult>;
} {
  return { file, cli: (...args) => runCli(args, { env: { GEPPETTO_LOG: file } }) };
}

interface Listed {
  id: string;
  state: string;
  script: string;
  eventCount: number;
  exitCode?: number;
  usage: object;
  outcome?: { ok: boolean; end: string; error?: { code: string } };
}

async function list(cli: (...args: string[]) => Promise<CliResult>): Promise<Listed[]> {
  const { stdout } = await cli("runs", "list", "--json");
  const lines = stdout.split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Listed);
}

describe.concurrent("the log of runs", () => {
  it("is empty before the first run", async () => {
    const { cli, file } = withLog();
    expect(await cli("runs", "list")).toMatchObject({ code: 0, stdout: "", stderr: "no runs are in the log\n" });
    expect(existsSync(file)).toBe(false);
    const { code, stderr } = await cli("runs", "show", "last");
    expect(code).toBe(66);
    expect(stderr).toMatch(/^error \[ERR_RUN_UNKNOWN\]: Cannot find the run: no run is in the log/);
  });

  it("lists every run, the latest first, with how it ended", async () => {
    const { cli } = withLog();
    const bad = folder.file("bad.js", "throw new TypeError('no')");
    const unloadable = folder.file("unloadable.js", "let let");
    await cli("eval", "6*7");
    await cli("run", "-q", folder.file("exit.js", "process.exit(3)"));
    await cli("run", bad);
    await cli("run", unloadable);
    await cli("run", "-q", folder.file("ask2.js", "await chat('echo: hi')"));
    const { stdout, stderr, code } = await cli("runs", "list");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    const cells = lines.map((line) => line.trim().split(/ {2,}/));
    expect(cells[0]).toEqual(["ID", "WHEN", "SCRIPT", "STATE", "DURATION", "CALLS", "TOKENS", "COST"]);
    const time = expect.stringMatching(/^[\d.]+ m?s$/) as string;
    expect(cells.slice(1).map((row) => row.slice(2))).toEqual([
      ["ask2.js", "completed", time, "1", "3", "-"],
      ["unloadable.js", "failed (ERR_SCRIPT_LOAD)", time, "0", "0", "-"],
      ["bad.js", "failed (TypeError)", time, "0", "0", "-"],
      ["exit.js", "failed (exit 3)", time, "0", "0", "-"],
      ["eval", "completed", time, "0", "0", "-"],
    ]);
    const listed = await list(cli);
    expect(listed.map(({ exitCode }) => exitCode)).toEqual([0, 65, 1, 3, 0]);
    expect(listed[0]!.usage).toEqual({ calls: 1, inputTokens: 2, outputTokens: 1 });
    const names = async (...flags: string[]): Promise<string[]> => {
      const { stdout: json } = await cli("runs", "list", "--json", ...flags);
      return [...json.matchAll(/"script":"(\w+)/g)].map(([, name]) => name!);
    };
    expect(await names("--limit", "2")).toEqual(["ask2", "unloadable"]);
    expect(await names("--script", "bad.js")).toEqual(["bad"]);
    expect(await names("--script", "*a*.js")).toEqual(["ask2", "unloadable", "bad"]);
    expect(await names("--state", "failed", "--limit", "2")).toEqual(["unloadable", "bad"]);
    expect(await names("--state", "completed", "--script", "e*", "--since", "1h")).toEqual(["eval"]);
    expect(await names("--since", "2999-01-01")).toEqual([]);
    const none = await cli("runs", "list", "--state", "running");
    expect(none).toMatchObject({ code: 0, stdout: "", stderr: "no such runs are in the log\n" });
  });

  it("shows a run, gives it the id that --json has, and keeps no secrets", async () => {
    const { cli, file } = withLog();
    const input = folder.file("input.txt", "in ");
    const args = ["-q", "--json", "--input", input, "-e", "NAME=Ann", "-e", "API_TOKEN=hidden-value"];
    const { stdout } = await cli("run", ...args, ask, "a", "b");
    const { runId } = JSON.parse(stdout) as { runId: string };
    const shown = await cli("runs", "show", runId.slice(0, 8));
    expect(shown.stdout).toMatch(new RegExp(`^run +${runId}\nscript +ask\\.js \\(run\\)\narguments +"a" "b"\n`));
    expect(shown.stdout).toMatch(
      /\ntook .*\nused +1 call, .*\nstate +completed\nexit code +0\nend +completed\nanswers +1 answer to replay\ncall 1 +chat embedded:demo, completed after/,
    );
    const whole = JSON.parse((await cli("runs", "show", "last", "--json")).stdout) as {
      source: string;
      events: { type: string }[];
    };
    expect(whole.source).toBe(readFileSync(ask, "utf8"));
    expect(whole.events.at(-1)!.type).toBe("final");
    // What is newest lies beside the file, until somebody closes the log.
    const parts = [file, `${file}-wal`].filter((part) => existsSync(part));
    const bytes = parts.map((part) => readFileSync(part, "latin1")).join("");
    expect(bytes).toContain("Ann");
    expect(parts.map((part) => (statSync(part).mode & 0o777).toString(8))).toEqual(parts.map(() => "600"));
    expect(bytes).not.toMatch(new RegExp(`hidden-value|${CANARY_KEY}`));
  });

  it("replays a run with its source, arguments, variables, input and answers", async () => {
    const { cli } = withLog();
    const script = folder.file("changing.js", readFileSync(ask, "utf8"));
    const first = await cli("run", "-q", "--input", folder.file("in.txt", "in "), "-e", "NAME=Ann", script, "a", "b");
    expect(first.stdout).toMatch(/^a\+b Ann in \[demo\]/);
    writeFileSync(script, "console.log('another script by now')");
    for (let i = 0; i < 2; i++) {
      // The second time it is the replay that is replayed.
      const { code, stdout } = await cli("runs", "replay", "last", "-q");
      expect({ code, stdout }).toEqual({ code: 0, stdout: first.stdout });
    }
    const [latest, , oldest] = await list(cli);
    expect((await cli("runs", "show", latest!.id)).stdout).toMatch(/\nreplay of +\S{36}\n/);
    expect(latest!.eventCount).toBe(oldest!.eventCount);
    expect((await cli("runs", "replay", "--no-log", "-q", oldest!.id)).stdout).toBe(first.stdout);
    expect(await list(cli)).toHaveLength(3);
  });

  it("replays a line of code", async () => {
    const { cli } = withLog();
    expect((await cli("eval", "-q", "const a = 6; await chat('echo: ' + a * 7)")).stdout).toBe("42\n");
    expect((await cli("runs", "replay", "last", "-q", "--json")).stdout).toMatch(/"result":"42"/);
  });

  it("shows what can be read of a run whose row is not what was written, and does not replay it", async () => {
    const { cli, file } = withLog();
    await cli("eval", "1");
    const [run] = await list(cli);
    const database = new DatabaseSync(file);
    const columns = {
      details: ['{"settings":[]}', '{"args":7}', "[]", '{"profile":{}}'],
      outcome: ['{"error":"x"}', '{"end":[]}', '{"text":{}}'],
    };
    for (const [column, texts] of Object.entries(columns)) {
      for (const text of texts) {
        database.prepare(`UPDATE runs SET ${column} = ?`).run(text);
        const { code, stdout, stderr } = await cli("runs", "show", run!.id);
        expect([code, stderr]).toEqual([0, ""]);
        expect(stdout).toContain("a part of this run in the log cannot be read");
        const replay = await cli("runs", "replay", run!.id);
        expect([replay.code, replay.stderr]).toEqual([
          66,
          "error [ERR_NO_FILE]: Cannot replay the run: a part of it in the log is damaged\n",
        ]);
      }
    }
    database.close();
  });

  it("exports a run as a document, to stdout or a file", async () => {
    const { cli } = withLog();
    await cli("eval", "-q", "await chat('echo: hi')");
    const { stdout } = await cli("runs", "export", "last");
    const document = JSON.parse(stdout) as { format: string; recordings: object[]; events: object[]; source: string };
    expect(document).toMatchObject({ format: "geppetto-run/1", source: "await chat('echo: hi')" });
    expect([document.recordings.length, document.events.length]).toEqual([1, expect.any(Number)]);
    const out = join(folder.path, "run.json");
    expect(await cli("runs", "export", "last", "--out", out)).toMatchObject({ code: 0, stdout: "" });
    expect(readFileSync(out, "utf8")).toBe(stdout);
    expect((await cli("runs", "export", "last", "--out", join(out, "x"))).code).toBe(74);
  });

  it("is left alone with --no-log", async () => {
    const { cli, file } = withLog();
    expect((await cli("eval", "--no-log", "1")).stdout).toBe("1\n");
    expect(existsSync(file)).toBe(false);
  });

  it("lies in the user's data folder", async () => {
    const data = join(folder.path, "data");
    const home = join(folder.path, "home");
    await runCli(["eval", "1"], { env: { GEPPETTO_LOG: undefined, XDG_DATA_HOME: data, HOME: home } });
    await runCli(["eval", "1"], { env: { GEPPETTO_LOG: undefined, HOME: home } });
    expect(existsSync(join(data, "geppetto-js", "runs.db"))).toBe(true);
    expect(existsSync(join(home, ".local", "share", "geppetto-js", "runs.db"))).toBe(true);
  });

  it("takes the runs of several programs at once", async () => {
    const { cli } = withLog();
    const runs = await Promise.all(Array.from({ length: 4 }, (_, i) => cli("eval", "-q", `await chat("echo: ${i}")`)));
    expect(runs.map(({ code, stdout, stderr }) => [code, stdout, stderr])).toEqual(
      Array.from({ length: 4 }, (_, i) => [0, `${i}\n`, ""]),
    );
    const kept = await list(cli);
    expect(kept.map(({ outcome }) => outcome?.ok)).toEqual([true, true, true, true]);
  });

  it("has a run that takes longer while it is under way, and after it was killed", async () => {
    const { cli, file } = withLog();
    const script = folder.file(
      "long.js",
      `console.log(await chat("echo: hi")); await new Promise((end) => setTimeout(end, 60_000));`,
    );
    const { child, result, seen } = startCli(["run", "-q", script], { env: { GEPPETTO_LOG: file } });
    await seen("hi");
    while (((await list(cli))[0]?.eventCount ?? 0) < 3) await sleep(50);
    child.kill("SIGKILL");
    await result;
    expect((await list(cli))[0]).toMatchObject({ state: "killed", usage: { calls: 1 } });
    expect((await cli("runs", "list")).stdout).toMatch(/ long\.js +killed +- +1 +3 +-\n$/);
    const { code, stderr } = await cli("runs", "replay", "last");
    expect(code).toBe(2);
    expect(stderr).toMatch(/it never ended/);
  });

  it("keeps a run whose results cannot be written down", async () => {
    const { cli } = withLog();
    const script = folder.file("circle.js", "const circle = { big: 1n }; circle.self = circle; done(circle);");
    const { code, stderr } = await cli("run", script);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect((await cli("runs", "show", "last")).stdout).toMatch(/\nresult +<ref \*1>/);
  });
});

describe.concurrent("a log of runs that cannot be used", () => {
  it("because of its folder gives one warning, with a short path, and changes nothing", async () => {
    const file = folder.file("in-the-way", "");
    const result = await runCli(["eval", "6*7"], { env: { GEPPETTO_LOG: join(file, "runs.db") }, cwd: folder.path });
    expect(result).toMatchObject({
      code: 0,
      stdout: "42\n",
      stderr:
        "Continuing without the run log in-the-way/runs.db: a file stands where its folder should be; --no-log runs without one\n",
    });
    const home = await runCli(["eval", "6*7"], { env: { GEPPETTO_LOG: join(file, "runs.db"), HOME: folder.path } });
    expect(home.stderr).toMatch(/the run log ~\/in-the-way\/runs\.db:/);
  });

  it("because it is a folder gives one warning", async () => {
    mkdirSync(join(folder.path, "folder.db"));
    const env = { GEPPETTO_LOG: join(folder.path, "folder.db") };
    const { code, stdout, stderr } = await runCli(["eval", "6*7"], { env, cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "42\n" });
    expect(stderr).toMatch(/^Continuing without the run log folder\.db: it is a folder; [^\n]*\n$/);
    expect((await runCli(["runs", "list"], { env, cwd: folder.path })).code).toBe(66);
  });

  it("because another program has locked it gives one warning and holds nothing up", async () => {
    const { cli, file } = withLog();
    await cli("eval", "1");
    const database = new DatabaseSync(file);
    database.exec("BEGIN IMMEDIATE");
    try {
      const { result, allow } = await timed(() => cli("eval", "6*7"));
      const { code, stdout, stderr, durationMs } = result;
      expect({ code, stdout }).toEqual({ code: 0, stdout: "42\n" });
      expect(stderr).toMatch(/^Continuing without the run log \S+: another program has locked it; [^\n]*\n$/);
      expect(durationMs).toBeLessThan(allow(4_000));
      const longer = await cli("eval", "await new Promise((end) => setTimeout(end, 600)); 'later'");
      expect(longer.stdout).toBe("later\n");
      expect(longer.stderr.match(/Continuing without/g)).toHaveLength(1);
    } finally {
      database.exec("ROLLBACK");
      database.close();
    }
  });

  it("because it is damaged is set aside for a new one", async () => {
    const { cli, file } = withLog();
    await cli("eval", "1");
    const bad = folder.file("damaged.db", "this is no database, and long enough to be seen as none".repeat(40));
    const damaged = withLog(bad);
    const { code, stdout, stderr } = await damaged.cli("eval", "6*7");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "42\n" });
    expect(stderr).toMatch(/^Renaming damaged\.db as damaged\.db\.corrupt-\d+: [^\n]*\n$/);
    expect(await list(damaged.cli)).toHaveLength(existsSync(file) ? 1 : 0);
  });
});
