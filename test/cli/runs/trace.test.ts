import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TraceModel } from "../../../src/replay.ts";
import { LOG_FILE, runCli, ScriptFolder, startCli } from "../run-cli.ts";

const folder = new ScriptFolder();
afterAll(() => folder.remove());

const SCRIPT = `
const look = { name: "look", description: "looks", input: { type: "object" }, run: ({ q }) => "toolcanary of " + q };
const step = new ChatStepFactory().newStep({ tools: [look], system: "systemcanary" });
const [answer] = await step.startAsync('promptcanary\\ncall: look {"q":"argcanary"}');
console.log("printcanary", answer.text);
await new Promise((resolve) => setTimeout(resolve, 30));
`;

function modelIn(file: string): TraceModel {
  return modelOf(readFileSync(file, "utf8"));
}

function modelOf(page: string): TraceModel {
  return JSON.parse(/id="trace-data">(.*?)<\/script>/s.exec(page)![1]!) as TraceModel;
}

describe("run --trace", () => {
  const script = folder.file("agent.js", SCRIPT);

  it("writes a page with all that the run did, for its owner alone", async () => {
    const file = join(folder.path, "page.html");
    expect(await runCli(["run", "-q", "--trace", file, script])).toMatchObject({ code: 0, stderr: "" });
    const model = modelIn(file);
    expect(model).toMatchObject({ script: "agent.js", state: "completed", exitCode: 0, notes: [] });
    expect(new Set(model.spans.map(({ kind }) => kind))).toContain("timer");
    expect(model.calls[0]!.messages.map(({ role }) => role)).toEqual(["system", "user"]);
    expect(model.facts).toContainEqual(["model", "embedded"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // A page that is there is replaced.
    expect(await runCli(["run", "-q", "--trace", file, folder.file("b.js", "1")])).toMatchObject({ code: 0 });
    expect(modelIn(file).script).toBe("b.js");
  });

  it("needs no log, and leaves nothing beside the page", async () => {
    const log = join(folder.path, "none.db");
    const temp = join(folder.path, "temp");
    mkdirSync(temp);
    const file = join(folder.path, "no-log.html");
    const args = ["run", "-q", "--no-log", "--trace", file, script];
    expect(await runCli(args, { env: { GEPPETTO_LOG: log, TMPDIR: temp } })).toMatchObject({ code: 0 });
    expect(modelIn(file).spans.length).toBeGreaterThan(3);
    expect(existsSync(log)).toBe(false);
    expect(readdirSync(temp)).toEqual([]);
  });

  it("writes the page where the log cannot be written, too", async () => {
    const file = join(folder.path, "log-broken.html");
    const { code, stderr } = await runCli(["run", "--trace", file, script], {
      env: { GEPPETTO_LOG: join(script, "runs.db") },
    });
    expect(code).toBe(0);
    expect(stderr).toContain("Continuing without the run log");
    expect(modelIn(file).state).toBe("completed");
  });

  it("shows a script that fails with its place, and keeps its exit code", async () => {
    const file = join(folder.path, "failed.html");
    const failing = folder.file("failing.js", 'console.log(1);\nthrow new TypeError("not today");\n');
    expect(await runCli(["run", "-q", "--trace", file, failing])).toMatchObject({ code: 1 });
    expect(modelIn(file).error).toMatchObject({ title: "TypeError: not today", place: [0, 2] });
    const broken = folder.file("broken.js", "const = 1;");
    expect(await runCli(["run", "-q", "--trace", file, broken])).toMatchObject({ code: 65 });
    expect(modelIn(file)).toMatchObject({ script: "broken.js", state: "failed" });
  });

  it("holds nothing of what was asked, answered and printed with --trace-contents off", async () => {
    const file = join(folder.path, "bare.html");
    const input = folder.file("input.txt", "inputcanary");
    const args = [
      "run",
      "-q",
      "--trace",
      file,
      "--trace-contents",
      "off",
      "-e",
      "A=envcanary",
      "--input",
      input,
      script,
    ];
    expect(await runCli([...args, "argcanary"])).toMatchObject({ code: 0 });
    const page = readFileSync(file, "utf8");
    expect(page).not.toContain("canary");
    const model = modelOf(page);
    expect(model.hasContents).toBe(false);
    expect(model.spans.map(({ name }) => name)).toContain("look");
    expect(model.usage.inputTokens).toBeGreaterThan(0);
    const off = await runCli(["run", "-q", "--trace", file, script], { env: { GEPPETTO_TRACE_CONTENTS: "off" } });
    expect([off.code, readFileSync(file, "utf8").includes("canary")]).toEqual([0, false]);
  });

  it("runs nothing where the page could not be written, which is exit code 74", async () => {
    const marker = folder.file("marker.js", 'console.log("ran")');
    const link = join(folder.path, "link.html");
    symlinkSync(script, link);
    const locked = join(folder.path, "locked");
    mkdirSync(locked);
    chmodSync(locked, 0o500);
    const files: [string, RegExp][] = [
      [join(folder.path, "no", "such", "folder.html"), /there is no such file or folder/],
      [folder.path, /it is a folder/],
      [link, /it is a link/],
      [script, /a file is there that is not a page; remove it, or name another/],
      ["/dev/null", /it is not a regular file/],
    ];
    // Root may write everywhere.
    if (process.getuid?.() !== 0) files.push([join(locked, "x.html"), /permission|denied/i]);
    for (const [file, why] of files) {
      const { code, stdout, stderr } = await runCli(["run", "--trace", file, marker]);
      expect([code, stdout]).toEqual([74, ""]);
      expect(stderr).toMatch(why);
    }
    expect(readFileSync(script, "utf8")).toBe(SCRIPT);
  });

  it("refuses contents that are neither on nor off", async () => {
    const { code, stderr } = await runCli(["run", "--trace-contents", "some", script]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("Allowed choices are on, off")]);
  });
});

describe("runs trace", () => {
  const script = folder.file("traced.js", SCRIPT);
  beforeAll(async () => {
    expect((await runCli(["run", "-q", script])).code).toBe(0);
  });

  it("writes the page of a run in the log to a file or to stdout", async () => {
    const file = join(folder.path, "traced.html");
    expect(await runCli(["runs", "trace", "last", "--out", file])).toMatchObject({ code: 0, stdout: "", stderr: "" });
    const { stdout } = await runCli(["runs", "trace", "last"]);
    expect(stdout).toBe(readFileSync(file, "utf8"));
    expect(modelOf(stdout)).toMatchObject({ script: "traced.js", state: "completed" });
    const off = await runCli(["runs", "trace", "last", "--trace-contents", "off"]);
    expect(off.stdout).not.toContain("canary");
  });

  it("shows a replay with what crossed in the run that it replayed", async () => {
    expect((await runCli(["runs", "replay", "-q", "last"])).code).toBe(0);
    const model = modelOf((await runCli(["runs", "trace", "last"])).stdout);
    expect(model.facts.map(([label]) => label)).toContain("replay of");
    expect(model.spans.map(({ kind }) => kind)).toContain("timer");
  });

  it("names what is wrong with a run that is not there, or a file that cannot be written", async () => {
    expect(await runCli(["runs", "trace", "nothing"])).toMatchObject({
      code: 66,
      stdout: "",
      stderr: expect.stringContaining('no run\'s id begins with "nothing"') as string,
    });
    const { code, stderr } = await runCli(["runs", "trace", "last", "--out", join(folder.path, "no", "x.html")]);
    expect([code, stderr]).toEqual([74, expect.stringContaining("there is no such file or folder")]);
    expect((await runCli(["runs", "trace", "last", "--out", script])).code).toBe(74);
    expect(readFileSync(script, "utf8")).toBe(SCRIPT);
  });

  it("shows a run that still goes on as far as it has come", async () => {
    const endless = folder.file("endless.js", 'console.log("under way"); setTimeout(() => {}, 600_000);');
    const { child, seen, result } = startCli(["run", endless]);
    await seen("under way");
    await expect.poll(async () => modelOf((await runCli(["runs", "trace", "last"])).stdout).script).toBe("endless.js");
    const model = modelOf((await runCli(["runs", "trace", "last"])).stdout);
    expect(model.state).toBe("running");
    expect(model.notes.join()).toContain("has not ended yet");
    child.kill("SIGTERM");
    await result;
  });

  it("shows a journal that was cut off, damaged or given up, and a log without one", async () => {
    expect((await runCli(["run", "-q", script])).code).toBe(0);
    const database = new DatabaseSync(LOG_FILE);
    const { id } = database.prepare("SELECT id FROM runs ORDER BY started_at DESC LIMIT 1").get() as { id: string };
    const { chunk } = database.prepare("SELECT chunk FROM journals WHERE run_id = ?").get(id) as { chunk: Uint8Array };
    const page = async (): Promise<TraceModel> => modelOf((await runCli(["runs", "trace", id])).stdout);
    const update = database.prepare("UPDATE journals SET chunk = ? WHERE run_id = ?");
    update.run(chunk.slice(0, chunk.length / 2), id);
    expect((await page()).notes.join()).toContain("journal cannot be read: a part of it is damaged");
    database.prepare("DELETE FROM journals WHERE run_id = ?").run(id);
    expect((await page()).notes.join()).toContain("This run has no journal");
    database
      .prepare("INSERT INTO journal_failures (run_id, reason) VALUES (?, ?)")
      .run(id, "journal larger than 64 MB");
    const model = await page();
    expect(model.notes.join()).toContain("Its journal was given up: journal larger than 64 MB.");
    expect(model.spans.map(({ kind }) => kind)).toContain("tool");
    database.close();
  });
});
