import { fork } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RunLog } from "../../src/recordings/index.ts";
import { SCHEMA_VERSION } from "../../src/recordings/run-log/run-log-schema.ts";
import { writeFirstLog } from "./old-log.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "geppetto-old-log-"));
  file = join(folder, "runs.sqlite");
  writeFirstLog(file);
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

function versionIn(path: string): unknown {
  using database = new DatabaseSync(path, { readOnly: true });
  return database.prepare("PRAGMA user_version").get()!["user_version"];
}

describe("a log that an older version made", () => {
  it("is read as it is, and not changed by that", () => {
    using log = RunLog.openReadOnly(file);
    expect(log.list().map(({ id }) => id)).toEqual(["killed", "ended"]);
    const usage = { calls: 1, inputTokens: 5, outputTokens: 2, cost: 0.25 };
    expect(log.show("ended")).toMatchObject({
      script: "old.js",
      state: "completed",
      durationMs: 250,
      outcome: { text: "hi there" },
      usage,
      output: [],
      recordings: [{ id: "r" }],
    });
    expect(log.list().map((run) => [run.state, run.usage.calls, run.usage.cost])).toEqual([
      ["killed", 0, undefined],
      ["completed", 1, 0.25],
    ]);
    expect(log.show("ended")!.events.map(({ type }) => type)).toEqual(["start", "partial", "partial", "final"]);
    expect(versionIn(file)).toBe(1);
  });

  it("has the calls that can be told from events and answers", () => {
    using log = RunLog.openReadOnly(file);
    expect(log.show("ended")!.calls).toEqual([
      {
        kind: "chat",
        model: "embedded:demo",
        stepId: "s",
        startedAt: 1000,
        durationMs: 40,
        end: "completed",
        messages: [{ role: "user", content: "echo: hi there" }],
        answer: "hi there",
        toolCalls: [],
        usage: { inputTokens: 5, outputTokens: 2 },
        cost: 0.25,
      },
    ]);
    expect(log.show("killed")!.calls).toEqual([
      { kind: "chat", model: "demo", stepId: "s", startedAt: 1000, toolCalls: [] },
    ]);
  });

  it("is followed to where it is", async () => {
    using log = RunLog.openReadOnly(file);
    const texts: unknown[] = [];
    for await (const item of log.follow("ended")) texts.push(item.type === "call" && item.call.answer);
    expect(texts).toEqual(["hi there"]);
  });

  it("gets what it lacks when a run is written, and keeps its runs", async () => {
    {
      using log = RunLog.open(file);
      await log.begin({ script: "new.js", id: "new" }).end({ ok: true });
    }
    expect(versionIn(file)).toBe(SCHEMA_VERSION);
    using log = RunLog.openReadOnly(file);
    expect(log.list().map(({ id }) => id)).toEqual(["new", "killed", "ended"]);
    expect(log.show("ended")!.events).toHaveLength(4);
  });

  it("gets it once where several processes open it at a time", async () => {
    const child = fileURLToPath(new URL("logging-child.ts", import.meta.url));
    const children = ["one", "two", "three"].map((name) => fork(child, [file, name, "3"]));
    const codes = await Promise.all(children.map((process) => new Promise((resolve) => process.once("exit", resolve))));
    expect(codes).toEqual([0, 0, 0]);
    using log = RunLog.openReadOnly(file);
    expect(log.list()).toHaveLength(11);
  });

  it("is refused where a newer version made it, and stays as it is", () => {
    {
      using database = new DatabaseSync(file);
      database.exec("PRAGMA user_version = 99");
    }
    expect(() => RunLog.openReadOnly(file)).toThrow("a newer version of geppetto-js made it");
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    using log = RunLog.open(file, { logger: { warn, error: warn } });
    expect(log.list()).toEqual([]);
    expect(warnings).toEqual(["Continuing without the log runs.sqlite: a newer version of geppetto-js made it"]);
    expect(versionIn(file)).toBe(99);
  });
});
