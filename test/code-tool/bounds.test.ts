import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Budget, codeTool, type CodeProgress, setupDefaults } from "../../src/index.ts";
import { allowedStallMs, measureLoad } from "../machine/parent-load.ts";
import { startScriptedServer, type ScriptedServer } from "../chat/scripted-server.ts";

const LOOPS = `
  const codes = new Set();
  await Promise.all(Array.from({ length: 20 }, async () => {
    for (let n = 0; n < 10; n++) {
      try { await ask(n); } catch (error) { codes.add(error.code); break; }
    }
  }));
  return [...codes];`;

describe("the bounds of a code tool", () => {
  let server: ScriptedServer;
  beforeAll(async () => {
    server = await startScriptedServer();
  });
  afterAll(() => server.close());

  it("make maxCalls 50 requests on the wire for 20 loops at a time, each an event under its run", async () => {
    server.play({ text: "yes" });
    const told: CodeProgress[] = [];
    await using tool = codeTool({
      check: false,
      isolation: "thread",
      setup: [setupDefaults({ chat: server.settings })],
      perRun: { maxCalls: 50 },
    });
    const result = await tool.execute(
      { code: `const ask = (n) => chat("question " + n);${LOOPS}` },
      { runId: "the run", onProgress: (progress) => void told.push(progress) },
    );
    expect(result).toMatchObject({ ok: true, value: ["ERR_LIMIT_CALLS"], usage: { calls: 50 } });
    expect(server.bodies).toHaveLength(50);
    const finals = told.filter((one) => one.type === "event" && one.event.type === "final");
    expect(finals).toHaveLength(50);
    expect(new Set(told.map(({ runId }) => runId))).toEqual(new Set(["the run"]));
    // Each run begins with the same again.
    await tool.execute({ code: `const ask = (n) => chat("question " + n);${LOOPS}` });
    expect(server.bodies).toHaveLength(100);
  });

  it("count requests that are made again", async () => {
    const broken = await startScriptedServer();
    broken.play({ status: 503 });
    await using tool = codeTool({
      check: false,
      isolation: "thread",
      setup: [setupDefaults({ chat: { ...broken.settings, retry: { attempts: 4, baseMs: 1 } } })],
      perRun: { maxCalls: 10 },
    });
    const result = await tool.execute({
      code: "const r = []; for (let n = 0; n < 4; n++) await chat('x').catch((e) => r.push(e.code)); return r.at(-1)",
    });
    expect(result).toMatchObject({ value: "ERR_LIMIT_CALLS", usage: { calls: 10 } });
    expect(broken.bodies).toHaveLength(10);
    await broken.close();
  });

  it("make maxToolCalls 50 calls for 20 loops at a time, each told of under its run", async () => {
    const told: CodeProgress[] = [];
    let calls = 0;
    await using tool = codeTool({
      check: false,
      isolation: "thread",
      tools: { ask: { run: () => void calls++ } },
      perRun: { maxToolCalls: 50 },
    });
    const result = await tool.execute(
      { code: `const ask = () => tools.ask();${LOOPS}` },
      { runId: "the run", onProgress: (progress) => void told.push(progress) },
    );
    expect(result).toMatchObject({ value: ["ERR_LIMIT_TOOL_CALLS"], usage: { toolCalls: 50 } });
    expect(calls).toBe(50);
    expect(told.filter(({ type, runId }) => type === "tool-result" && runId === "the run")).toHaveLength(50);
  });

  it("hold together with a budget of all runs", async () => {
    server.play({ text: "yes" });
    const before = server.bodies.length;
    const budget = new Budget({ maxCalls: 3 });
    await using tool = codeTool({
      check: false,
      isolation: "thread",
      session: true,
      budget,
      setup: [setupDefaults({ chat: server.settings })],
      perRun: { maxCalls: 2 },
    });
    const code =
      "const got = []; for (let n = 0; n < 4; n++) got.push(await chat('x').catch((e) => e.code)); return got";
    const limit = "ERR_LIMIT_CALLS";
    expect((await tool.execute({ code })).value).toEqual(["yes", "yes", limit, limit]);
    expect((await tool.execute({ code })).value).toEqual(["yes", limit, limit, limit]);
    expect(server.bodies.length - before).toBe(3);
    expect(budget.spent.calls).toBe(3);
  });

  it.each([
    ["one name without end", "x".repeat(190_000)],
    ["the same unknown name, thousands of times", `${"foo = 1; ".repeat(20_000)}bar()`],
    ["empty lines", "\n".repeat(190_000)],
    ["strings without a line break", "'a' ".repeat(40_000)],
    ["an error of brackets", "throw new Error(' ['.repeat(100_000) + '1:1'.repeat(1_000))"],
  ])("keep the host free where the code is %s", async (_, code) => {
    await using tool = codeTool({ tools: { a: { run: () => 1 } }, isolation: "thread" });
    const { stallMs } = await measureLoad(() => tool.execute({ code }));
    expect(stallMs).toBeLessThan(allowedStallMs());
  });
});
