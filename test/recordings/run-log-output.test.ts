import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StepEvent } from "../../src/index.ts";
import { type FollowedItem, type LoggedRun, RunLog, type RunLogOptions } from "../../src/recordings/index.ts";
import { OutputBuffer } from "../../src/recordings/run-log/output-buffer.ts";

let folder: string;
let file: string;
const open = (options: RunLogOptions = {}): RunLog => RunLog.open(file, options);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "geppetto-log-"));
  file = join(folder, "runs.sqlite");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const meta = { messageId: "m", parentId: "", engine: "demo" };

/** The first and the last event of a chat. */
function chat(stepId: string, text: string): [StepEvent, StepEvent] {
  const metadata = { stepId, type: "chat", inputType: "a", outputType: "b", startedAt: 1000 };
  const step = { stepId, type: "chat", inputType: "a", outputType: "b", metadata };
  const usage = { inputTokens: 3, outputTokens: 2 };
  const ended = { ...step, metadata: { ...metadata, durationMs: 30, usage, cost: 0.5 } };
  return [
    { type: "start", meta, step, seq: 0, time: 1 },
    { type: "final", text, result: text, results: [text], meta, step: ended, seq: 1, time: 2 },
  ];
}

function ask(run: LoggedRun, stepId: string, content: string, place = 0): void {
  const request = { provider: "openai", model: "m", messages: [{ role: "user", content }] };
  run.noteCall({ place, stepId, startedAt: 1000, request });
}

const printed = (log: RunLog, id: string): string[] => log.show(id)!.output.map(({ text }) => text);

describe("what a run prints", () => {
  it("is in the log in order, by stream, one piece for what goes to one stream without a break", async () => {
    using log = open();
    const run = log.begin({ script: "a.js" });
    run.print("stdout", "one ");
    run.print("stdout", "two\n");
    run.print("stderr", "warning\n");
    run.print("stdout", "three");
    await run.end({ ok: true });
    run.print("stdout", "too late");
    expect(log.show(run.id)).toMatchObject({
      output: [
        { stream: "stdout", text: "one two\n" },
        { stream: "stderr", text: "warning\n" },
        { stream: "stdout", text: "three" },
      ],
      droppedOutput: 0,
    });
  });

  it("is kept up to a bound, and says how much more there was", async () => {
    using log = open({ maxOutput: 1000 });
    const run = log.begin({ script: "a.js" });
    for (let i = 0; i < 100; i++) run.print("stdout", "x".repeat(50));
    await run.end({ ok: true });
    const { output, droppedOutput } = log.show(run.id)!;
    expect(output.map(({ text }) => text.length)).toEqual([900]);
    expect(droppedOutput).toBe(4100);
    const other = log.begin({ script: "b.js" });
    for (let i = 0; i < 100; i++) other.print(i % 2 === 0 ? "stdout" : "stderr", "x");
    await other.end({ ok: true });
    expect(log.show(other.id)!.output).toHaveLength(10);
    expect(log.show(other.id)!.droppedOutput).toBe(90);
  });

  it("is counted as left out where it cannot be written", async () => {
    using log = open({ logger: { warn: () => {}, error: () => {} } });
    const run = log.begin({ script: "a.js" });
    run.print("stdout", "kept\n");
    await expect.poll(() => printed(log, run.id)).toEqual(["kept\n"]);
    using database = new DatabaseSync(file);
    database.exec("CREATE TRIGGER full BEFORE INSERT ON output BEGIN SELECT raise(ABORT, 'full'); END");
    run.print("stdout", "lost\n");
    for (const event of chat("a", "1")) run.record(event);
    await run.end({ ok: true });
    expect(log.show(run.id)).toMatchObject({ output: [{ text: "kept\n" }], droppedOutput: 5, droppedEvents: 2 });
  });

  it("is redacted across the pieces of a line, whenever they come", async () => {
    using log = open();
    const run = log.begin({ script: "a.js" });
    const key = "sk-proj-abcdefghijklmnop";
    run.print("stdout", `first\nthe key is ${key.slice(0, 9)}`);
    await expect.poll(() => printed(log, run.id)).toEqual(["first\n"]);
    run.print("stdout", `${key.slice(9)}\n`);
    await expect.poll(() => printed(log, run.id)).toEqual(["first\nthe key is [redacted]\n"]);
    await run.end({ ok: true });
    log.close();
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name), "latin1")).not.toContain("ghijkl");
  });

  it("is in the log while it runs, an unfinished line too", async () => {
    using log = open();
    const run = log.begin({ script: "a.js" });
    run.print("stdout", "loading");
    await expect.poll(() => printed(log, run.id)).toEqual(["loading"]);
    await run.end({ ok: true });
  });

  it("keeps a very long line from waiting for its end", () => {
    const buffer = new OutputBuffer(1_000_000);
    let place = 0;
    const placeOf = (): number => place++;
    buffer.add("stdout", "x".repeat(20_000), placeOf);
    expect(buffer.take({ all: false, placeOf })).toHaveLength(1);
    expect(buffer.isEmpty).toBe(true);
  });
});

describe("the calls of a run", () => {
  it("have prompt, tools, answer, usage and cost, those under way too", async () => {
    using log = open();
    const run = log.begin({ script: "a.js" });
    const [start, final] = chat("s1", "Rome is warm");
    ask(run, "s1", "Is Rome warm?");
    run.record(start);
    const toolCall = { id: "t", name: "weather", input: { city: "Rome" } };
    run.record({ ...start, type: "tool-call", toolCall, seq: 1 });
    run.record({ ...start, type: "tool-result", toolResult: { id: "t", result: 21 }, seq: 2 });
    run.record(final);
    ask(run, "s2", "And Paris?", 1);
    run.record(chat("s2", "")[0]);
    await expect.poll(() => log.show(run.id)!.calls).toHaveLength(2);
    expect(log.show(run.id)).toMatchObject({
      state: "running",
      usage: { calls: 1, inputTokens: 3, outputTokens: 2, cost: 0.5 },
      calls: [
        {
          kind: "chat",
          model: "openai:m",
          stepId: "s1",
          end: "completed",
          messages: [{ role: "user", content: "Is Rome warm?" }],
          answer: "Rome is warm",
          toolCalls: [{ name: "weather", input: { city: "Rome" }, result: 21 }],
          usage: { inputTokens: 3, outputTokens: 2 },
          cost: 0.5,
          durationMs: 30,
        },
        { stepId: "s2", messages: [{ role: "user", content: "And Paris?" }] },
      ],
    });
    expect(log.show(run.id)!.calls[1]).not.toHaveProperty("end");
    expect(log.show(run.id)).not.toHaveProperty("recordings");
    await run.end({ ok: true });
  });

  it("are counted beyond the events that are kept", async () => {
    using log = open({ maxEvents: 1 });
    const run = log.begin({ script: "a.js" });
    for (const event of [...chat("a", "1"), ...chat("b", "2")]) run.record(event);
    await run.end({ ok: true });
    expect(log.list()[0]).toMatchObject({ usage: { calls: 2, inputTokens: 6, outputTokens: 4, cost: 1 } });
  });

  it("that were answered are the run's recordings, in the order in which they were asked", async () => {
    using log = open();
    const run = log.begin({ script: "a.js" });
    ask(run, "s1", "one", 0);
    ask(run, "s2", "two", 1);
    ask(run, "s3", "three", 2);
    for (const [place, content] of [
      [1, "two"],
      [0, "one"],
    ] as const) {
      const request = { provider: "openai", model: "m", messages: [{ role: "user", content }] };
      const chunks = [{ type: "end", stopReason: "stop", providerStopReason: null, engine: "m" }];
      const answer = { id: content, recordedAt: "2026-01-01T00:00:00Z", chunks, end: "complete" };
      run.noteCall({ place, stepId: `s${place + 1}`, startedAt: 1000, durationMs: 5, request, answer });
    }
    await run.end({ ok: true }, { recordings: [] });
    expect(log.show(run.id)!.recordings!.map(({ id }) => id)).toEqual(["one", "two"]);
    expect(log.show(run.id)!.calls.map(({ end }) => end)).toEqual(["completed", "completed", undefined]);
  });
});

describe("a long answer in small pieces", () => {
  it("is exported without what each piece repeats", async () => {
    using log = open({ maxEvents: 20_000 });
    const run = log.begin({ script: "a.js" });
    const [start, final] = chat("s", "");
    run.record(start);
    let completion = "";
    for (let seq = 1; seq <= 10_000; seq++) {
      completion += "word ";
      run.record({ ...start, type: "partial", delta: "word ", completion, seq });
    }
    run.record(final);
    await run.end({ ok: true });
    const document = log.export(run.id)!;
    expect(document.length).toBeLessThan(10_000_000);
    const { events } = JSON.parse(document) as { events: { delta?: string }[] };
    expect(events).toHaveLength(10_002);
    expect(events[5000]).toMatchObject({ type: "partial", delta: "word " });
    expect(events[5000]).not.toHaveProperty("completion");
    expect(log.show(run.id)!.events.at(-2)).toMatchObject({ completion });
  });
});

describe("the state of a run", () => {
  it("follows its exit code, where there is one", async () => {
    using log = open();
    await log.begin({ script: "a", id: "a", startedAt: 4 }).end({ ok: true }, { exitCode: 69 });
    await log.begin({ script: "b", id: "b", startedAt: 3 }).end({ ok: true }, { exitCode: 0 });
    await log.begin({ script: "c", id: "c", startedAt: 2 }).end({ ok: false });
    const run = log.begin({ script: "d", id: "d", startedAt: 1 });
    expect(log.list().map(({ id, state }) => `${id} ${state}`)).toEqual([
      "a failed",
      "b completed",
      "c failed",
      "d running",
    ]);
    expect(log.list({ state: "failed" }).map(({ id }) => id)).toEqual(["a", "c"]);
    expect(log.list({ state: "failed", limit: 1 }).map(({ id }) => id)).toEqual(["a"]);
    expect(log.list({ since: 2, before: 4 }).map(({ id }) => id)).toEqual(["b", "c"]);
    await run.end({ ok: true });
  });

  it("is killed where its process was, and running while it is there", async () => {
    using log = open();
    const child = fork(fileURLToPath(new URL("logging-child.ts", import.meta.url)), [file, "killed", "hold"]);
    await once(child, "message");
    expect(log.list()).toMatchObject([{ state: "running" }]);
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    expect(log.list()).toMatchObject([{ state: "killed" }]);
    expect(log.list({ state: "running" })).toEqual([]);
  });

  it("is taken from what was heard last where the process is on another machine, or its number was given away", () => {
    using log = open();
    const run = log.begin({ script: "a.js", id: "a" });
    const hold = (holder: object, seenAt: number): string => {
      using database = new DatabaseSync(file);
      database.prepare("UPDATE runs SET holder = ?, seen_at = ?").run(JSON.stringify(holder), seenAt);
      return log.list()[0]!.state;
    };
    const elsewhere = { pid: process.pid, start: "1", place: "another machine" };
    expect(hold(elsewhere, Date.now())).toBe("running");
    expect(hold(elsewhere, Date.now() - 60_000)).toBe("killed");
    expect(hold({ pid: "x" }, Date.now())).toBe("killed");
    using database = new DatabaseSync(file);
    database.exec("UPDATE runs SET holder = '['");
    expect(log.list()[0]!.state).toBe("killed");
    void run.end({ ok: true });
  });

  it.runIf(process.platform === "linux")("is killed where the number of its process is another's by now", async () => {
    using log = open();
    const run = log.begin({ script: "a.js", id: "a" });
    {
      using database = new DatabaseSync(file);
      database.exec(`UPDATE runs SET holder = json_set(holder, '$.start', '1')`);
    }
    expect(log.list()[0]!.state).toBe("killed");
    await run.end({ ok: true });
    expect(log.list()[0]!.state).toBe("completed");
  });
});

describe("following a run", () => {
  const collect = async (items: AsyncIterable<FollowedItem>): Promise<string[]> => {
    const seen: string[] = [];
    for await (const item of items) seen.push(item.type === "call" ? `${item.call.answer}` : item.text);
    return seen;
  };

  it("gives what it prints and its calls in order, as they come, and ends with it", async () => {
    using log = open();
    using reading = RunLog.openReadOnly(file);
    const run = log.begin({ script: "a.js" });
    const [first, second] = [chat("s1", "one"), chat("s2", "two")];
    ask(run, "s1", "first");
    run.record(first[0]);
    run.print("stdout", "before\n");
    const items = reading.follow(run.id);
    expect((await items.next()).value).toMatchObject({ text: "before\n" });
    run.record(first[1]);
    run.print("stderr", "between\n");
    run.record(second[0]);
    run.record(second[1]);
    const rest = collect(items);
    await run.end({ ok: true });
    expect(await rest).toEqual(["one", "between\n", "two"]);
    expect(await collect(reading.follow(run.id))).toEqual(["before\n", "one", "between\n", "two"]);
  });

  it("ends with a process that was killed, and gives the call that it was in", async () => {
    using log = open();
    const child = fork(fileURLToPath(new URL("logging-child.ts", import.meta.url)), [file, "killed", "hold"]);
    await once(child, "message");
    const seen = collect(log.follow(log.ids("last")[0]!));
    child.kill("SIGKILL");
    expect(await seen).toEqual(["held\n", "undefined"]);
  });

  it("stops when nobody wants it any more, and gives nothing of a run that is not there", async () => {
    using log = open();
    const run = log.begin({ script: "a.js" });
    const stop = new AbortController();
    const seen = collect(log.follow(run.id, { signal: stop.signal }));
    stop.abort();
    await expect(seen).rejects.toThrow(/abort/i);
    expect(await collect(log.follow("none"))).toEqual([]);
    await run.end({ ok: true });
  });
});

describe("the ids of runs", () => {
  it("are found by their beginning, the whole one first", async () => {
    using log = open();
    for (const id of ["abc", "abcd", "abce", "x"]) await log.begin({ script: "a.js", id }).end({ ok: true });
    expect(log.ids("abc")).toEqual(["abc", "abcd", "abce"]);
    expect(log.ids("abc", 2)).toEqual(["abc", "abcd"]);
    expect(log.show("abc")!.id).toBe("abc");
    expect(log.show("ab")).toBeUndefined();
    expect([log.ids(""), log.ids("none"), log.ids("last")]).toEqual([[], [], ["x"]]);
  });
});
