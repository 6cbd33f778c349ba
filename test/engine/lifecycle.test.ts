import { describe, expect, it } from "vitest";
import { defineStep, MemoryPubSub, RuntimeEngine, type RuntimeEngineOptions } from "../../src/index.ts";
import { timed } from "../machine/machine-watch.ts";
import { ISOLATIONS, Output, withEngine } from "./engine-harness.ts";
import { appOp } from "../../src/shared/contract/op.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function all(events: AsyncIterable<unknown>): Promise<unknown[]> {
  const told: unknown[] = [];
  for await (const event of events) told.push(event);
  return told;
}

const drip = defineStep({
  name: "drip",
  kind: "text",
  async *run(_, { publish, signal }) {
    while (!signal.aborted) {
      await publish({ type: "partial", delta: "x" });
      await pause(1);
    }
    yield "dripped";
  },
});

function createEngine(options: RuntimeEngineOptions = {}): {
  engine: RuntimeEngine;
  output: Output;
  asked: { signal?: AbortSignal };
} {
  const output = new Output();
  const asked: { signal?: AbortSignal } = {};
  const engine = new RuntimeEngine({
    console: output,
    logger: { warn() {}, error() {} },
    ...options,
    setup: [
      async (vm) => {
        await vm.registerStep("drip", drip);
        await vm.op("hang", () => new Promise(() => {}), { mode: "blocking" });
        await vm.op("slow", () => new Promise(() => {}));
        vm.host.setOp(appOp("watched", "async"), (_, { signal }) => {
          asked.signal = signal;
          return new Promise(() => {});
        });
        await vm.install("binding", { name: "watched", mode: "async" });
      },
    ],
  });
  return { engine, output, asked };
}

const left = (engine: RuntimeEngine) => {
  const { timers, runs, ops, topics } = engine.stats();
  return { timers, runs, ops, topics };
};
const NOTHING = { timers: 0, runs: 0, ops: 0, topics: 0 };

describe.each(ISOLATIONS)("close() in a %s", (isolation) => {
  it("is idempotent, before start() too, and one promise for all who ask", async () => {
    const { engine } = createEngine({ isolation });
    await Promise.all([engine.close(), engine.close()]);
    await engine.close();
    const started = createEngine({ isolation }).engine;
    await started.start();
    expect(started.close()).toBe(started.close());
    await started.close();
    await started[Symbol.asyncDispose]();
  });

  it("while start() is under way ends both", async () => {
    const { engine } = createEngine({ isolation });
    const starting = engine.start().then(
      () => "started",
      (error: unknown) => (error as { code: string }).code,
    );
    await engine.close();
    expect(["started", "ERR_ENGINE_CLOSED"]).toContain(await starting);
    await expect(engine.runScript({ code: "1" })).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED" });
  });

  it.each([
    ["an endless loop", "for (;;);"],
    ["a blocking op", "hang()"],
    ["a pending op", "await slow()"],
    ["a stream", "drip.runWithEvents(null, () => {}); await new Promise(() => {})"],
    ["a stream whose callback blocks", "drip.runWithEvents(null, () => hang())"],
    ["timers", "setInterval(() => {}, 1); setTimeout(() => {}, 600_000)"],
    [
      "nothing but a timeout signal",
      "await new Promise((r) => AbortSignal.timeout(600_000).addEventListener('abort', r))",
    ],
  ])("ends a script in %s within 250 ms; its outcome says so", async (_, code) => {
    const { engine, output } = createEngine({ isolation });
    await engine.start();
    const running = engine.runScript({ code: `console.log("begun"); ${code}` });
    await expect.poll(() => output.out, { interval: 5 }).toBe("begun\n");
    await pause(20);
    const { ms, allow } = await timed(() => engine.close());
    expect(ms).toBeLessThan(allow(250));
    expect(await running).toMatchObject({
      ok: false,
      end: "crashed",
      error: { code: "ERR_ENGINE_CLOSED", fromHost: true },
    });
    expect(left(engine)).toEqual(NOTHING);
  });

  it("rejects runOnLoop() and whatever a setup function would still want", async () => {
    const { engine } = createEngine({ isolation });
    await engine.start();
    const running = [engine.runOnLoop("hang()"), engine.runOnLoop("1"), engine.runOnLoop("new Promise(() => {})")];
    const settled = Promise.allSettled(running);
    await pause(20);
    await engine.close();
    for (const { status } of await settled) expect(status).toBe("rejected");
    for (const refused of [engine.runOnLoop("1"), engine.runScript({ code: "1" }), engine.start()]) {
      await expect(refused).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED", message: "The engine is closed" });
    }
    expect(engine.cancelRuns()).toBe(0);
  });

  it("aborts the signals of the ops under way", async () => {
    const { engine, asked } = createEngine({ isolation });
    await engine.start();
    const running = engine.runScript({ code: "await watched()" });
    await expect.poll(() => asked.signal).toBeDefined();
    await engine.close();
    expect(asked.signal!.aborted).toBe(true);
    await running;
  });

  it("calls the rest of what was registered with onClose() where one of them fails, and tells of that", async () => {
    const engine = new RuntimeEngine();
    const called: string[] = [];
    engine.onClose(() => void called.push("first"));
    engine.onClose(() => {
      called.push("second");
      throw new Error("cannot end");
    });
    engine.onClose(() => Promise.reject(new Error("cannot end either")));
    await engine.start();
    await expect(engine.close()).rejects.toThrow("cannot end either");
    expect(called).toEqual(["second", "first"]);
  });

  it("calls all of it where a reader of events is among them, and what one of them registers, once", async () => {
    const { engine } = createEngine({ isolation, bus: new MemoryPubSub() });
    const called: string[] = [];
    await engine.start();
    engine.onClose(() => void called.push("first"));
    engine.onClose(() => {
      called.push("second");
      engine.onClose(() => void called.push("late"));
    });
    const read = all(engine.events());
    for await (const _ of engine.events({ signal: AbortSignal.abort() }));
    await engine.close();
    expect(called).toEqual(["second", "late", "first"]);
    expect(await read).toEqual([]);
    engine.onClose(() => void called.push("too late"));
    expect(called.at(-1)).toBe("too late");
    expect(await all(engine.events())).toEqual([]);
  });

  it("calls what was registered with onClose(), the last first, once", async () => {
    const { engine } = createEngine({ isolation });
    const order: number[] = [];
    for (const n of [1, 2, 3]) {
      engine.onClose(async () => {
        await pause(1);
        order.push(n);
      });
    }
    await engine.start();
    await Promise.all([engine.close(), engine.close()]);
    expect(order).toEqual([3, 2, 1]);
  });
});

describe.each(ISOLATIONS)("process.exit() in a %s", (isolation) => {
  it.each([
    ["0", 0],
    ["", 0],
    ["7", 7],
    ["63", 63],
    ["64", 1],
    ["256", 1],
    ["-1", 1],
    ["1.5", 1],
    ["NaN", 1],
    ["'x'", 1],
    ["'5'", 5],
    ["{}", 1],
    ["null", 0],
  ])("given (%s) ends the script with %i, and nothing is printed after it", async (given, code) => {
    const { engine, output } = createEngine({ isolation });
    await engine.start();
    const outcome = await engine.runScript({
      code: `
        setTimeout(() => console.log("never"), 1);
        queueMicrotask(() => console.log("never"));
        drip.runWithEvents(null, () => console.log("never"));
        console.log("before");
        try { process.exit(${given}); console.log("never") } catch { console.log("never") } finally { console.log("never") }`,
    });
    expect(outcome).toMatchObject({ ok: code === 0, end: "exit", exitCode: code });
    expect(outcome.error).toBeUndefined();
    await pause(10);
    expect(output.out).toBe("before\n");
    await engine.close();
    expect(left(engine)).toEqual(NOTHING);
  });

  it("works in a timer and in a callback, and spends the engine", async () => {
    for (const code of [
      "setTimeout(() => process.exit(3), 1)",
      "drip.runWithEvents(null, () => process.exit(3))",
      "await null; process.exit(3)",
    ]) {
      const { engine } = createEngine({ isolation });
      await engine.start();
      expect(await engine.runScript({ code })).toMatchObject({ end: "exit", exitCode: 3 });
      await expectSpent(engine, 3);
      await engine.close();
      // What the host itself has closed is the host's mistake.
      await expect(engine.runScript({ code: "1" })).rejects.toMatchObject({ message: "The engine is closed" });
    }
  });

  it.each(["process.exit(5)", "setTimeout(() => process.exit(5), 1); new Promise(() => {})"])(
    "in runOnLoop (%s) rejects that call with a reason, and later scripts are told",
    async (code) => {
      const { engine } = createEngine({ isolation });
      await engine.start();
      await expect(engine.runOnLoop(code)).rejects.toMatchObject({
        code: "ERR_ENGINE_CLOSED",
        message: expect.stringContaining("process.exit(5)") as string,
      });
      await expectSpent(engine, 5);
      await engine.close();
    },
  );

  it("in a timer of runOnLoop leaves whatever script comes next, at whatever moment, an outcome", async () => {
    for (let ms = 0; ms < 10; ms++) {
      const { engine } = createEngine({ isolation });
      await engine.start();
      await engine.runOnLoop("setTimeout(() => process.exit(6), 3)");
      await pause(ms);
      const outcome = await engine.runScript({ code: "await new Promise((r) => setTimeout(r, 5)); export default 1" });
      // The script that begins first ends that timer.
      if (outcome.ok) expect(outcome.value).toBe(1);
      else expect(outcome).toMatchObject({ end: "crashed", error: { code: "ERR_ENGINE_CLOSED", fromHost: true } });
      await engine.close();
    }
  });

  it("in a setup function makes start() reject with a code", async () => {
    const engine = new RuntimeEngine({
      isolation,
      setup: [async (vm) => void (await vm.runString("process.exit(1)"))],
    });
    await expect(engine.start()).rejects.toMatchObject({
      code: "ERR_ENGINE_CLOSED",
      message: expect.stringContaining("process.exit(1)") as string,
    });
    await engine.close();
  });

  async function expectSpent(engine: RuntimeEngine, code: number): Promise<void> {
    expect(await engine.runScript({ code: "1" })).toMatchObject({
      ok: false,
      end: "crashed",
      error: {
        code: "ERR_ENGINE_CLOSED",
        message: `The engine is closed: its guest has called process.exit(${code}); use a new engine for each script, or EnginePool`,
        fromHost: true,
      },
    });
    await expect(engine.runOnLoop("1")).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED" });
  }
});

describe.each(ISOLATIONS)("an engine in a %s", (isolation) => {
  it("runs 100 scripts in a row, each clean", () =>
    withEngine({ isolation }, async ({ run, engine }) => {
      for (let i = 0; i < 100; i++) {
        const outcome = await run(`setTimeout(() => {}, 1000); doubleStep.runWithEvents(1, () => {}); done(${i})`);
        expect(outcome).toMatchObject({ end: "done", value: i });
        expect(left(engine)).toEqual(NOTHING);
      }
    }));

  it("leaves no handles, children or memory behind, 30 times in a row", async () => {
    const open = async (): Promise<void> => {
      const { engine } = createEngine({ isolation });
      await engine.start();
      await engine.runScript({
        code: "const a = Array.from({ length: 1e5 }, (_, i) => ({ i })); export default a.length",
      });
      await engine.close();
    };
    for (let i = 0; i < 5; i++) await open();
    const handles = (): number =>
      process.getActiveResourcesInfo().filter((kind) => /Pipe|Process|MessagePort|Worker|Timeout/.test(kind)).length;
    await pause(50);
    const before = { handles: handles(), rss: process.memoryUsage().rss };
    for (let i = 0; i < 30; i++) await open();
    // Polling takes a timer of its own.
    await expect.poll(handles).toBeLessThanOrEqual(before.handles + 1);
    // An engine that stayed would cost 4 MB and more each; what is here is the allocator's own slack.
    await expect.poll(() => process.memoryUsage().rss - before.rss).toBeLessThan(70e6);
  });
});
