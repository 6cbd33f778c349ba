import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { defineStep, setupDefaults, type SetupFunction } from "../../src/index.ts";
import { ISOLATIONS, withEngine } from "../engine/engine-harness.ts";
import { BusWatch } from "./bus-watch.ts";
import { timed } from "../machine/machine-watch.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A step whose text comes in so many numbered pieces, at its own pace. */
const setupCounter: SetupFunction = async function counter(vm) {
  const step = defineStep<{ id: number; count: number }, number>({
    name: "counter",
    kind: "text",
    async *run({ id, count }, { publish }) {
      for (let i = 0; i < count; i++) {
        if ((id + i) % 7 === 0) await pause(1);
        await publish({ type: "partial", delta: `${id}:${i};` });
      }
      yield id;
    },
  });
  await vm.registerStep("counter", step);
};

/** The bytes that this process's heap holds after a collection. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

describe.each(ISOLATIONS)("1,000 runs at once in a %s", (isolation) => {
  it("lose no event and put none out of order", () =>
    withEngine({ isolation, setup: [setupDefaults(), setupCounter] }, async ({ engine, run }) => {
      const watch = new BusWatch(engine);
      const { value, error } = await run(`
        const doubled = steps.createMapStep(async (x) => { if (x % 5 === 0) await null; return x * 2 });
        let wrong = 0, ended = 0;
        const ids = new Set();
        await Promise.all(Array.from({ length: 1000 }, (_, id) => new Promise((resolve) => {
          let next = 0, text = "";
          const isText = id % 2 === 0;
          const step = isText ? counter : doubled;
          const input = isText ? { id, count: 20 } : Array.from({ length: 20 }, (_, i) => id + i);
          const runId = step.runWithEvents(input, (event) => {
            if (event.seq !== next++ || event.step.stepId !== runId) wrong++;
            if (event.type === "partial") {
              const i = next - 2;
              if (isText ? event.delta !== id + ":" + i + ";" : event.result !== (id + i) * 2) wrong++;
              text += (isText || i === 0 ? "" : "\\n") + event.delta;
              if (event.completion !== text) wrong++;
            }
            if (event.type !== "final") return;
            if (next !== 22 || event.text !== text || event.results.length !== (isText ? 1 : 20)) wrong++;
            ids.add(runId);
            ended++;
            resolve();
          });
        })));
        export default { wrong, ended, ids: ids.size };`);
      expect(error).toBeUndefined();
      expect(value).toEqual({ wrong: 0, ended: 1000, ids: 1000 });
      await watch.close();
      watch.expectWellFormed();
      expect(watch.events.size).toBe(1000);
      expect([...watch.events.values()].every((events) => events.length === 22)).toBe(true);
    }));

  it("refuse the next one with a LimitError and none before it", () =>
    withEngine({ isolation }, async ({ run }) => {
      const { value } = await run(`
        const never = steps.createLambdaStep(() => new Promise(() => {}));
        const started = Array.from({ length: 1000 }, () => never.runWithEvents(1, () => {}));
        let refused;
        try { never.runWithEvents(1, () => {}) } catch (error) { refused = [error.name, error.code] }
        never.cancel();
        export default [started.length, refused];`);
      expect(value).toEqual([1000, ["LimitError", "ERR_LIMIT_RUNS"]]);
    }));
});

describe.each(ISOLATIONS)("startBlocking() in a %s", (isolation) => {
  it("blocks the script and not its host, whose timers keep ticking", () =>
    withEngine({ isolation }, async ({ run }) => {
      let ticks = 0;
      let longest = 0;
      let last = performance.now();
      const timer = setInterval(() => {
        ticks++;
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 5);
      const { result, allow } = await timed(() =>
        run(`
        const fails = steps.createLambdaStep(() => { throw new Error("no") });
        let fired = false;
        setTimeout(() => { fired = true }, 1);
        const startedAt = performance.now();
        const step = steps.withRetry(steps.compose([fails]), { maxAttempts: 4, backoff: () => 100 });
        let error;
        try { step.startBlocking(1) } catch (e) { error = e }
        export default { ms: performance.now() - startedAt, fired, message: error.message };`),
      );
      clearInterval(timer);
      const { ms, ...rest } = result.value as { ms: number };
      expect(rest).toEqual({ fired: false, message: "no" });
      expect(ms).toBeGreaterThan(290);
      expect(ticks).toBeGreaterThan(ms / allow(30));
      expect(longest).toBeLessThan(allow(250));
    }));
});

describe("10,000 runs", () => {
  const SCRIPT = `
    // Strings of up to 1 kB are the guest's own: longer ones count as memory of the realm's until it collects garbage.
    var text = "x".repeat(600);
    var echo = steps.createLambdaStep((x) => x + "");
    var parts = steps.createMapStep((x) => x);
    var fails = steps.createLambdaStep((x) => { throw Object.assign(new Error("no"), { x }) });
    var never = steps.createLambdaStep((x) => new Promise(() => {}));
    var kinds = [
      (x) => steps.withRetry(steps.compose([echo]), {}).startAsync(x),
      (x) => steps.createParallelStep({ maxConcurrency: 2, step: echo }).startAsync([x, x]),
      (x) => fails.startAsync(x).catch(() => {}),
      (x) => new Promise((resolve) => parts.runWithEvents([x, x], (event) => event.type === "final" && resolve())),
      (x) => new Promise((resolve) => { const cancel = never.startWithCallbacks(x, { onCancel: resolve }); cancel() }),
      async (x) => { for await (const event of parts.events([x, x])) break },
      (x) => steps.withTimeout(doubleStep, 600_000).startAsync(x.length),
      (x) => echo.startBlocking(x),
      (x) => { const c = new AbortController(); const p = never.startAsync(x, { signal: c.signal }).catch(() => {}); c.abort(); return p },
    ];
    var batch = async (n) => {
      for (let i = 0; i < n; i++) await Promise.all(kinds.map((start) => start(i + text)));
    };`;

  it("leave no topics, holds, callbacks or memory behind, in host and guest", () => {
    let before = 0;
    // A guest that kept its runs would die of this limit: each weighs more than 2 kB.
    return withEngine({ isolation: "thread", limits: { memoryMB: 16 } }, async ({ engine, run }) => {
      const warm = await run(`${SCRIPT}; await batch(50);`);
      expect(warm.error).toBeUndefined();
      before = heapBytes();
      // 13 runs in each round, those inside others counted.
      const { value, error } = await run(`${SCRIPT}
        await batch(770);
        await new Promise((resolve) => setTimeout(resolve, 20));
        export default [echo, parts, fails, never].map((step) => step.cancel());`);
      expect(error).toBeUndefined();
      // No step has a run that it could cancel.
      expect(value).toEqual([false, false, false, false]);
      expect(engine.stats()).toMatchObject({ runs: 0, topics: 0, ops: 0, timers: 0 });
      expect(engine.bus.topics()).toEqual([]);
      expect(heapBytes() - before).toBeLessThan(4e6);
    });
  });
});
