import { fork } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StepEvent } from "../../src/index.ts";
import { RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { MemoryPubSub } from "../../src/events/index.ts";
import { EventPacker, EventUnpacker } from "../../src/recordings/event-packer.ts";
import { noteContinuation } from "../../src/steps/run-text.ts";
import { RunLog, type RunLogOptions } from "../../src/recordings/index.ts";
import { timed } from "../machine/machine-watch.ts";

let folder: string;
let file: string;
let log: string[];
const open = (options: RunLogOptions = {}): RunLog =>
  RunLog.open(file, {
    logger: { warn: (text) => void log.push(text), error: (text) => void log.push(text) },
    ...options,
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "geppetto-log-"));
  file = join(folder, "runs.sqlite");
  log = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The events of a run as a step publishes them. */
function eventsOf(stepId: string, deltas: string[], joiner = ""): StepEvent[] {
  const meta = { messageId: "m", parentId: "", engine: "demo" };
  const metadata = { stepId, type: "chat", inputType: "a", outputType: "b", startedAt: 1 };
  const step = { stepId, type: "chat", inputType: "a", outputType: "b", metadata };
  const common = { meta, step, time: 5 };
  return [
    { type: "start", ...common, seq: 0 },
    ...deltas.map((delta, i): StepEvent => ({
      type: "partial",
      delta,
      completion: deltas.slice(0, i + 1).join(joiner),
      ...common,
      seq: i + 1,
    })),
    {
      type: "final",
      text: deltas.join(joiner),
      result: 1,
      results: [1],
      ...common,
      step: { ...step, metadata: { ...metadata, durationMs: 3 } },
      seq: deltas.length + 1,
    },
  ];
}

describe("EventPacker and EventUnpacker", () => {
  it("give back every event, of text, lists and whatever else, however runs are mixed", () => {
    const runs = [
      eventsOf("a", ["Hel", "lo", "", " you"]),
      eventsOf("b", ["1", "2", "", "3"], "\n"),
      eventsOf("c", ["x", "y"], "--"),
      eventsOf("d", ["", "", ""], "\n"),
    ];
    const mixed = Array.from({ length: 6 }, (_, i) => runs.flatMap((run) => run.slice(i, i + 1))).flat();
    const [packer, unpacker] = [new EventPacker(), new EventUnpacker()];
    const back = mixed.map((event) =>
      unpacker.unpack(event.step.stepId, JSON.parse(JSON.stringify(packer.pack(event)))),
    );
    expect(back).toEqual(mixed);
  });

  it("take a run's word for how a long text goes on, and compare what others tell of one", () => {
    const events = eventsOf("a", ["x".repeat(5000), "1", "2"], "\n");
    const other = events.map((event) =>
      event.type === "partial" ? { ...event, completion: `${event.completion.slice(0, -1)}-` } : event,
    );
    const formsOf = (told: typeof events) => {
      const packer = new EventPacker();
      return told.map((event) => packer.pack(event).$completion);
    };
    expect(formsOf(events)).toEqual([undefined, "text", "list", "list", undefined]);
    expect(formsOf(other)).toEqual([undefined, undefined, undefined, undefined, undefined]);
    for (const event of other.slice(2, -1)) noteContinuation(event as typeof event & { type: "partial" }, "list");
    expect(formsOf(other)).toEqual([undefined, undefined, "list", "list", undefined]);
  });

  it("keep a long text once, not once per piece", () => {
    const packer = new EventPacker();
    const size = JSON.stringify(
      eventsOf(
        "a",
        Array.from({ length: 1000 }, () => "word "),
      ).map((event) => packer.pack(event)),
    ).length;
    expect(size).toBeLessThan(120_000);
  });
});

describe("RunLog", () => {
  it("lists, shows and exports runs with script, events and outcome", async () => {
    using runs = open();
    const events = eventsOf("a", ["Hel", "lo"]);
    const first = runs.begin({
      script: "hello.js",
      source: "console.log(1)",
      details: { args: ["x"], model: "demo" },
      startedAt: 1000,
    });
    for (const event of events) first.record(event);
    await first.end({ ok: true, end: "completed", value: new Map([["a", 1n]]) });
    const second = runs.begin({ script: "other.js", startedAt: 2000 });
    expect(runs.list()).toMatchObject([
      { id: second.id, script: "other.js", startedAt: 2000, eventCount: 0 },
      { id: first.id, script: "hello.js", startedAt: 1000, eventCount: 4, outcome: { ok: true } },
    ]);
    expect(runs.list()[0]).not.toHaveProperty("outcome");
    expect(runs.list({ limit: 1 }).map(({ id }) => id)).toEqual([second.id]);
    expect(runs.list({ before: 2000 }).map(({ id }) => id)).toEqual([first.id]);
    expect(runs.list({ script: "hello.js" }).map(({ id }) => id)).toEqual([first.id]);
    const shown = runs.show(first.id.slice(0, 8))!;
    expect(shown).toMatchObject({
      id: first.id,
      source: "console.log(1)",
      details: { args: ["x"], model: "demo" },
      droppedEvents: 0,
    });
    expect(shown.events).toEqual(events);
    expect(shown.outcome!.value).toEqual(new Map([["a", 1n]]));
    expect(runs.show("last")!.id).toBe(second.id);
    expect(runs.show("")).toBeUndefined();
    expect(runs.show("no such run")).toBeUndefined();
    expect(JSON.parse(runs.export(first.id)!)).toMatchObject({
      format: "geppetto-run/1",
      id: first.id,
      events: [{ type: "start" }, { delta: "Hel" }, { completion: "Hello" }, { type: "final" }],
    });
    expect(runs.export("none")).toBeUndefined();
    expect(log).toEqual([]);
  });

  it("notes the events of every step of an engine, those of guest-made steps included", async () => {
    using runs = open();
    await using engine = new RuntimeEngine({
      isolation: "thread",
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
    });
    await engine.start();
    const run = runs.begin({ script: "script.js" });
    run.follow(engine.bus);
    await run.end(
      await engine.runScript({
        code: `await doubleStep.startAsync(2);
          await new ChatStepFactory().newStep().startAsync("echo: a b c");
          await steps.createLambdaStep((x) => x + 1).startAsync(1);
          export default 5;`,
      }),
    );
    const { events, outcome } = runs.show("last")!;
    expect(outcome).toMatchObject({ ok: true, value: 5 });
    expect(events.map(({ step, type }) => `${step.type} ${type}`)).toEqual([
      "double start",
      "double final",
      "chat start",
      ...Array<string>(3).fill("chat partial"),
      "chat final",
      "lambda start",
      "lambda final",
    ]);
    expect(engine.bus.topics()).toEqual([]);
  });

  it("redacts what looks like a key", async () => {
    using runs = open();
    const key = "sk-proj-abcdefghijklmnop";
    const run = runs.begin({ script: "a.js", source: `key = "${key}"`, details: { env: { KEY: key } } });
    for (const event of eventsOf("a", [key])) run.record(event);
    await run.end({ ok: false, error: { name: "Error", message: `bad ${key}` } });
    runs.close();
    for (const name of readdirSync(folder))
      expect(readFileSync(join(folder, name), "latin1")).not.toContain("abcdefghijklmnop");
  });

  it("keeps so many events of a run, so many runs, and for so long", async () => {
    using runs = open({ maxEvents: 10 });
    const run = runs.begin({ script: "many.js" });
    for (const event of eventsOf("a", Array.from({ length: 20 }, String))) run.record(event);
    await run.end({ ok: true });
    expect(runs.show("last")).toMatchObject({ eventCount: 10, droppedEvents: 12 });
    for (let i = 0; i < 5; i++) runs.begin({ script: "old.js", startedAt: 1000 + i });
    runs.close();
    using fewer = open({ maxRuns: 3 });
    expect(
      fewer
        .list()
        .map(({ startedAt }) => startedAt)
        .slice(1),
    ).toEqual([1004, 1003]);
    fewer.close();
    using young = open({ maxAgeMs: 60_000 });
    expect(young.list()).toHaveLength(1);
  });

  it("sets a damaged file aside and goes on with a new one", async () => {
    {
      using runs = open();
      await runs.begin({ script: "a.js" }).end({ ok: true });
    }
    writeFileSync(
      file,
      "this is no database, whatever its name says, but it is long enough to be looked at".repeat(100),
    );
    using runs = open();
    await runs.begin({ script: "b.js" }).end({ ok: true });
    expect(runs.list().map(({ script }) => script)).toEqual(["b.js"]);
    expect(log).toEqual([
      expect.stringMatching(/^Renaming runs\.sqlite as runs\.sqlite\.corrupt-\d+: file is not a database$/),
    ]);
    expect(readdirSync(folder).some((name) => name.includes(".corrupt-"))).toBe(true);
  });

  it("shows what can be read of a broken row, which hides no other", async () => {
    {
      using runs = open();
      for (const id of ["a", "b", "c", "d", "e", "f"]) {
        const run = runs.begin({ script: `${id}.js`, id, startedAt: 1000 });
        for (const event of eventsOf(id, ["x"])) run.record(event);
        await run.end({ ok: true }, { recordings: [] });
      }
    }
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    {
      using database = new DatabaseSync(file);
      database.exec(`
        UPDATE runs SET outcome = '{' WHERE id = 'a'; UPDATE runs SET outcome = 'null' WHERE id = 'b';
        UPDATE runs SET outcome = '{"$type":"Map","value":5}' WHERE id = 'c'; UPDATE runs SET details = '7' WHERE id = 'd';
        UPDATE runs SET recordings = '[{}]' WHERE id = 'd'; UPDATE events SET event = 'x' WHERE run_id = 'e';
        UPDATE runs SET outcome = '{"value":${deep}}' WHERE id = 'e'`);
    }
    using runs = RunLog.openReadOnly(file);
    const listed = runs.list();
    expect(listed.map(({ id }) => id)).toEqual(["f", "e", "d", "c", "b", "a"]);
    expect(listed.map(({ isDamaged = false }) => isDamaged)).toEqual([false, true, false, true, true, true]);
    expect(runs.show("d")).toMatchObject({ isDamaged: true, details: {}, recordings: [], outcome: { ok: true } });
    expect(runs.show("e")).toMatchObject({ isDamaged: true, events: [] });
    expect(runs.export("a")).toContain('"isDamaged": true');
  });

  it("is read without being made, changed or set aside", async () => {
    expect(() => RunLog.openReadOnly(file)).toThrow();
    writeFileSync(file, "");
    {
      using empty = RunLog.openReadOnly(file);
      expect([empty.list(), empty.show("last")]).toEqual([[], undefined]);
    }
    const text = "this is no database, whatever its name says".repeat(100);
    writeFileSync(file, text);
    expect(() => RunLog.openReadOnly(file)).toThrow(/not a database/);
    expect([readFileSync(file, "utf8"), readdirSync(folder)]).toEqual([text, ["runs.sqlite"]]);
  });

  it("lets runs go on where nothing can be written, and says so once", async () => {
    writeFileSync(join(folder, "file"), "");
    file = join(folder, "file", "runs.sqlite");
    using runs = open();
    const run = runs.begin({ script: "a.js" });
    for (const event of eventsOf("a", ["x"])) run.record(event);
    await run.end({ ok: true, value: () => "not to be kept" });
    expect(runs.list()).toEqual([]);
    expect(log).toEqual([expect.stringMatching(/^Continuing without the log runs\.sqlite: /)]);
  });

  it("takes the runs of several processes at a time", async () => {
    using runs = open();
    const child = fileURLToPath(new URL("logging-child.ts", import.meta.url));
    const children = ["one", "two", "three"].map((name) => fork(child, [file, name, "20"]));
    const codes = await Promise.all(children.map((process) => new Promise((resolve) => process.once("exit", resolve))));
    expect(codes).toEqual([0, 0, 0]);
    expect(runs.list({ limit: 100 })).toHaveLength(60);
    expect(runs.list({ limit: 100 }).every(({ eventCount, outcome }) => eventCount === 5 && outcome?.ok)).toBe(true);
  });

  it("does not hold up who publishes: 20,000 events in well under two seconds", async () => {
    using runs = open();
    const bus = new MemoryPubSub();
    const run = runs.begin({ script: "fast.js" });
    run.follow(bus);
    const { ms, allow } = await timed(async () => {
      for (let i = 0; i < 200; i++)
        for (const event of eventsOf(`r${i}`, Array<string>(98).fill("word "))) await bus.publish(`step.r${i}`, event);
      await run.end({ ok: true });
    });
    expect(runs.show("last")!.eventCount).toBe(20_000);
    expect(ms).toBeLessThan(allow(2000));
    bus.close();
  });
});
