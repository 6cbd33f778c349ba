import { describe, expect, it } from "vitest";
import {
  GeppettoError,
  MemoryJournal,
  RuntimeEngine,
  setupDefaults,
  setupFetch,
  type RunScriptOptions,
  type ScriptOutcome,
} from "../../../src/index.ts";
import type { ExecutionRecord, Journal } from "../../../src/journal/executions/journal.ts";
import { stageFunc } from "../../../src/pipeline/basic-stages.ts";
import { TestServer } from "../../fetch/test-server.ts";
import { attempt, Effects } from "./lasting-fixture.ts";

/** A journal on a disk that is full as soon as a record of this kind is to be kept. */
function fullAt(journal: Journal, kind: string): Journal {
  const check = (records: readonly ExecutionRecord[]): void => {
    if (records.some((record) => record.kind === kind)) {
      throw new GeppettoError("StepError", "Cannot use the journal of executions: the disk is full", {
        code: "ERR_JOURNAL",
      });
    }
  };
  return new Proxy(journal, {
    get(_, name) {
      const value = Reflect.get(journal, name) as unknown;
      if (name !== "begin") return typeof value === "function" ? (value.bind(journal) as unknown) : value;
      return async (...args: Parameters<Journal["begin"]>) => {
        const lease = await journal.begin(...args);
        const { append, appendSync } = lease;
        return Object.assign(lease, {
          append: async (...given: Parameters<typeof append>) => (check(given[0]), append.apply(lease, given)),
          appendSync: (...given: Parameters<typeof appendSync>) => (check(given[0]), appendSync.apply(lease, given)),
        });
      };
    },
  });
}

describe("an attempt whose journal takes nothing more", () => {
  it.each([
    ["pay", "intent", 0, `export default await pay(1);`],
    ["pay", "answer", 1, `export default await pay(1);`],
    ["stampNow", "intent", 0, `export default stampNow(1);`],
  ])("%s: stops at the %s, and can be resumed", async (_, kind, effectsBefore, code) => {
    await using journal = new MemoryJournal();
    const effects = new Effects();
    const first = await attempt(fullAt(journal, kind), code, { effects });
    expect(first.outcome).toMatchObject({ ok: false, end: "crashed", error: { code: "ERR_JOURNAL", fromHost: true } });
    expect(effects.keyed.size).toBe(effectsBefore);
    const second = await attempt(journal, code, { effects });
    expect(second.outcome).toMatchObject({ ok: true, end: "completed" });
    expect(effects.keyed.size).toBe(1);
  });
});

async function run(
  journal: Journal,
  code: string,
  {
    setup = [],
    ...options
  }: Partial<RunScriptOptions> & { setup?: Parameters<RuntimeEngine["addSetupFunction"]>[0][] },
  act: () => Promise<void> = async () => {},
): Promise<ScriptOutcome> {
  await using engine = new RuntimeEngine({
    console: { stdout() {}, stderr() {} },
    logger: { warn() {}, error() {} },
    permissions: { net: ["127.0.0.1"] },
    setup,
  });
  await engine.start();
  const running = engine.runScript({ code, name: "script.js" }, { journal, id: "execution", ...options });
  await act();
  return await running;
}

describe("an attempt that another one has taken over", () => {
  it("can write no more, and ends", async () => {
    await using journal = new MemoryJournal();
    const outcome = await run(
      journal,
      `await new Promise((resolve) => setInterval(() => console.log("on"), 5));`,
      {},
      async () => {
        await expect.poll(async () => (await journal.get("execution"))?.state).toBe("running");
        await journal.resume("execution", { takeOver: true });
      },
    );
    expect(outcome).toMatchObject({ ok: false, end: "crashed", error: { code: "ERR_EXECUTION_FENCED" } });
    await expect(run(journal, "1", {})).rejects.toMatchObject({ code: "ERR_EXECUTION_RUNNING" });
  });
});

describe("a journal and its options", () => {
  it("are refused one without the other, and with virtual time", async () => {
    await using journal = new MemoryJournal();
    await using engine = new RuntimeEngine({ isolation: "thread", deterministic: true });
    await engine.start();
    await expect(engine.runScript({ code: "1" }, { journal })).rejects.toMatchObject({ code: "ERR_CONFIG" });
    await expect(engine.runScript({ code: "1" }, { id: "a" })).rejects.toMatchObject({ code: "ERR_CONFIG" });
    await expect(engine.runScript({ code: "1" }, { journal, id: "a" })).rejects.toThrow("deterministic");
  });

  it("refuse another kind of isolation", async () => {
    await using journal = new MemoryJournal();
    const code = `await execution.receive("go");`;
    await attempt(journal, code, { isolation: "process" });
    await expect(attempt(journal, code, { isolation: "thread" })).rejects.toMatchObject({
      code: "ERR_EXECUTION_ENGINE",
    });
  });
});

describe("what was asked for outside", () => {
  it("is fetched once, also over a suspension", async () => {
    await using server = await TestServer.start({
      "/": (_, response) => response.end(JSON.stringify({ n: server.asked.length })),
    });
    await using journal = new MemoryJournal();
    const code = `
      const first = await (await fetch("${server.url}/")).json();
      await execution.receive("go");
      const second = await (await fetch("${server.url}/")).json();
      export default [first.n, second.n];`;
    const options = { setup: [setupFetch()] };
    expect((await run(journal, code, options)).end).toBe("suspended");
    await journal.send("execution", "go");
    expect(await run(journal, code, options)).toMatchObject({ ok: true, value: [1, 2] });
    expect(server.asked).toHaveLength(2);
  });

  it("goes through a stage of the host's once, also over a suspension", async () => {
    await using journal = new MemoryJournal();
    let calls = 0;
    const shout = () =>
      stageFunc("shout", "transform", async (input, output) => {
        for await (const element of input) {
          calls++;
          await output.write(element);
        }
      });
    const code = `
      const results = await steps.fromPipeline(pipeline.chain((x) => x + 1, "shout", (x) => x * 10)).startAsync([1, 2]);
      await execution.receive("go");
      export default [...results];`;
    const options = { setup: [setupDefaults({ stages: { shout } })] };
    expect(await run(journal, code, options)).toMatchObject({ end: "suspended" });
    const before = calls;
    await journal.send("execution", "go");
    expect(await run(journal, code, options)).toMatchObject({ ok: true, value: [20, 30] });
    expect(calls).toBe(before);
  });
});
