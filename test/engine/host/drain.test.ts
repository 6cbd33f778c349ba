import { describe, expect, it } from "vitest";
import { defineStep, RuntimeEngine, type RuntimeEngineOptions } from "../../../src/index.ts";
import { timed } from "../../machine/machine-watch.ts";
import { ISOLATIONS, Output } from "../engine-harness.ts";

/** A time that no test waits for. */
const LONG_MS = 600_000;

interface Fixture {
  engine: RuntimeEngine;
  /** Resolves when the script has called `begin()`. */
  begun: Promise<void>;
  /** What `gate()` in the script, and the step `slow`, wait for. */
  open(): void;
  output: Output;
}

async function startEngine(options: RuntimeEngineOptions): Promise<Fixture> {
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<string>();
  const output = new Output();
  const slow = defineStep({
    name: "slow",
    async *run() {
      yield await gate.promise;
    },
  });
  const engine = new RuntimeEngine({
    console: output,
    logger: { warn() {}, error() {} },
    ...options,
    setup: [
      async (vm) => {
        await vm.op("begin", () => begun.resolve(), { mode: "sync" });
        await vm.op("gate", () => gate.promise);
        await vm.registerStep("slow", slow);
      },
    ],
  });
  await engine.start();
  return { engine, begun: begun.promise, open: () => gate.resolve("opened"), output };
}

const CLOSED = { code: "ERR_ENGINE_CLOSED", message: "The engine is closed" };
const ABORTED = { ok: false, end: "aborted", error: { code: "ERR_ABORTED", fromHost: true } };

describe.each(ISOLATIONS)("close({ drainMs }) of an engine in a %s", (isolation) => {
  it("takes nothing new, and lets the script that runs come to its end", async () => {
    const { engine, begun, open } = await startEngine({ isolation });
    const running = engine.runScript({ code: "begin(); export default [await gate(), await slow.startAsync(1)]" });
    await begun;
    const closing = engine.close({ drainMs: LONG_MS });
    await expect(engine.runScript({ code: "1" })).rejects.toMatchObject(CLOSED);
    await expect(engine.runOnLoop("1")).rejects.toMatchObject(CLOSED);
    await expect(engine.start()).rejects.toMatchObject(CLOSED);
    await expect(engine.setUp(() => {})).rejects.toMatchObject(CLOSED);
    open();
    expect(await running).toMatchObject({ ok: true, end: "completed", value: ["opened", ["opened"]] });
    await closing;
    expect(engine.stats()).toMatchObject({ timers: 0, runs: 0, ops: 0, topics: 0 });
  });

  it.each([
    ["waits", "begin(); await gate()"],
    ["has a timer", "begin(); setInterval(() => {}, 1)"],
    ["runs a step", "begin(); await slow.startAsync(1)"],
    ["loops", "begin(); for (;;);"],
  ])("aborts a script that %s when the time is up", async (_, code) => {
    const { engine, begun } = await startEngine({ isolation });
    const running = engine.runScript({ code });
    await begun;
    const { ms, allow } = await timed(() => engine.close({ drainMs: 50 }));
    expect(await running).toMatchObject(ABORTED);
    expect(ms).toBeLessThan(allow(50 + 250));
    expect(engine.stats()).toMatchObject({ timers: 0, runs: 0, ops: 0, topics: 0 });
  });

  it("of 0 aborts at once, and is one promise for all who ask", async () => {
    const { engine, begun } = await startEngine({ isolation });
    const running = engine.runScript({ code: "begin(); await gate()" });
    await begun;
    const closing = engine.close({ drainMs: 0 });
    expect(engine.close({ drainMs: LONG_MS })).toBe(closing);
    expect(engine.close()).toBe(closing);
    expect(await running).toMatchObject(ABORTED);
    await closing;
  });

  it.each([{ drainMs: 20 }, {}])("is shortened by a later call with %o, and not lengthened", async (shorter) => {
    const { engine, begun } = await startEngine({ isolation });
    const running = engine.runScript({ code: "begin(); await gate()" });
    await begun;
    const closing = engine.close({ drainMs: LONG_MS });
    void engine.close(shorter);
    void engine.close({ drainMs: LONG_MS });
    await closing;
    expect(await running).toMatchObject(ABORTED);
  });

  it("lets calls of runOnLoop() end, and the runs and ops that they have begun", async () => {
    const { engine, open, output } = await startEngine({ isolation });
    await engine.runOnLoop(`
      setInterval(() => {}, ${LONG_MS});
      gate().then(() => slow.startAsync(1)).then(([text]) => console.log("then", text));
      "nobody waits for it";
    `);
    const waiting = engine.runOnLoop("gate().then((text) => text + ' in time')");
    const closing = engine.close({ drainMs: LONG_MS });
    open();
    expect(await waiting).toBe("opened in time");
    await closing;
    expect(output.out).toBe("then opened\n");
  });

  it("rejects calls of runOnLoop() that are not done in time", async () => {
    const { engine } = await startEngine({ isolation });
    const waiting = engine.runOnLoop("gate()");
    const refused = expect(waiting).rejects.toMatchObject(CLOSED);
    await engine.close({ drainMs: 20 });
    await refused;
  });

  it("closes an engine at once that has nothing to do, or has not started", async () => {
    const { engine } = await startEngine({ isolation });
    await engine.close({ drainMs: LONG_MS });
    const fresh = new RuntimeEngine({ isolation });
    await fresh.close({ drainMs: LONG_MS });
    await expect(fresh.start()).rejects.toMatchObject(CLOSED);
    const starting = new RuntimeEngine({ isolation });
    const started = starting.start();
    const refused = expect(started).rejects.toMatchObject(CLOSED);
    await starting.close({ drainMs: LONG_MS });
    await refused;
  });

  it("ends with a script that ends itself, or breaks its engine, meanwhile", async () => {
    for (const [code, outcome] of [
      ["process.exit(4)", { end: "exit", exitCode: 4 }],
      ["const a = []; for (;;) a.push('x'.repeat(1000) + a.length)", { error: { code: "ERR_LIMIT_MEMORY" } }],
    ] as const) {
      const { engine, begun, open } = await startEngine({ isolation, limits: { memoryMB: 32 } });
      const running = engine.runScript({ code: `begin(); await gate(); ${code}` });
      await begun;
      const closing = engine.close({ drainMs: LONG_MS });
      open();
      expect(await running).toMatchObject(outcome);
      await closing;
    }
  });

  it.each([-1, NaN, Infinity, 2 ** 31, "5" as never, null as never])("refuses %o, and stays open", async (drainMs) => {
    const { engine } = await startEngine({ isolation });
    await expect(engine.close({ drainMs })).rejects.toMatchObject({
      name: "ConfigError",
      message: `Cannot close the engine: drainMs must be a number of milliseconds from 0 to 2147483647, got ${typeof drainMs === "string" ? `"${String(drainMs)}"` : String(drainMs)}`,
    });
    expect(await engine.runOnLoop("6 * 7")).toBe(42);
    await engine.close();
  });
});
