import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { StepEvent } from "../../src/index.ts";
import { timed } from "../machine/machine-watch.ts";
import { ISOLATIONS, withEngine, type TestEngine } from "./engine-harness.ts";
import { pause, Progress, setupSteps } from "./event-steps.ts";
import { deliveredText, expectWellFormed, WATCH, type Watched } from "./watch-events.ts";

/** The bytes that this process's heap holds after a collection. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

const withSteps = (
  isolation: "thread" | "process",
  test: (fixture: TestEngine) => Promise<void>,
  progress?: Progress,
): Promise<void> => withEngine({ isolation, setup: [setupSteps(progress)] }, test);

async function watched({ run }: TestEngine, code: string): Promise<Watched[]> {
  const { value, error } = await run(`${WATCH}export default await ${code}`);
  expect(error).toBeUndefined();
  return expectWellFormed(value);
}

describe.each(ISOLATIONS)("the events of a run in a %s", (isolation) => {
  it("reach a callback all and in order, 10,000 of them, within bounded memory", () =>
    withSteps(isolation, async ({ run }) => {
      const before = heapBytes();
      let peak = 0;
      const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage().heapUsed)), 20);
      const { value, error } = await run(`
        let next = 0, wrong = 0, length = 0, last;
        await new Promise((resolve) => count.runWithEvents(10_000, (event) => {
          if (event.seq !== next++) wrong++;
          if (event.type === "partial") {
            if (event.delta !== (event.seq - 1) + " ") wrong++;
            length += event.delta.length;
            if (event.completion.length !== length) wrong++;
          }
          last = event;
          if (event.type === "final") resolve();
        }));
        export default { next, wrong, type: last.type, text: last.text, result: last.result, count: last.step.metadata.eventCount };`);
      clearInterval(sampling);
      expect(error).toBeUndefined();
      const text = Array.from({ length: 10_000 }, (_, i) => `${i} `).join("");
      expect(value).toEqual({ next: 10_002, wrong: 0, type: "final", text, result: "counted", count: 10_002 });
      // All events with their completions would be 250 MB. Garbage that waits for its collection is in the peak.
      expect(peak - before).toBeLessThan(120e6);
      expect(heapBytes() - before).toBeLessThan(15e6);
    }));

  it("slow the producer to the callback's pace: never more than 64 events ahead", () => {
    const progress = new Progress();
    return withSteps(
      isolation,
      async ({ run }) => {
        const { value } = await run(`
          let events = 0;
          await new Promise((resolve) => count.runWithEvents(300, (event) => { seen(); slowly(); events++; if (event.type === "final") resolve(); }));
          export default events;`);
        expect(value).toBe(302);
        expect(progress.mostAhead).toBeLessThanOrEqual(64);
        expect(progress.mostAhead).toBeGreaterThan(30);
      },
      progress,
    );
  });

  it("slow the producer of large deltas: never more than 256 kB ahead", () => {
    const progress = new Progress();
    return withSteps(
      isolation,
      async ({ run }) => {
        await run(
          `await new Promise((resolve) => large.runWithEvents(100, (event) => { seen(); slowly(); if (event.type === "final") resolve(); }))`,
        );
        // The start event is one of them.
        expect((progress.mostAhead - 1) * 10_000).toBeLessThanOrEqual(256_000);
        expect(progress.mostAhead).toBeGreaterThan(10);
      },
      progress,
    );
  });

  it("end with final for a step that yields, and for one that yields nothing", () =>
    withSteps(isolation, async (fixture) => {
      const counted = await watched(fixture, "watch(count, 3)");
      expect(counted.map(({ type }) => type)).toEqual(["start", "partial", "partial", "partial", "final"]);
      expect(deliveredText(counted)).toBe("0 1 2 ");
      expect(counted.at(-1)).toMatchObject({ text: "0 1 2 ", result: "counted", results: ["counted"] });
      const silent = await watched(fixture, "watch(silent, 0)");
      expect(silent.map(({ type }) => type)).toEqual(["start", "final"]);
      expect(silent[1]).toMatchObject({ text: "", results: [] });
    }));

  it("bring each result of a list as a partial, and their array at the end", () =>
    withSteps(isolation, async (fixture) => {
      const events = await watched(fixture, "watch(list, 3)");
      expect(events.map(({ type }) => type)).toEqual(["start", "partial", "partial", "partial", "final"]);
      expect(events.slice(1, 4)).toMatchObject([
        { delta: "0", completion: "0", result: 0 },
        { delta: "1", completion: "0\n1", result: 1 },
        { delta: "2", completion: "0\n1\n2", result: 2 },
      ]);
      expect(events[4]).toMatchObject({ result: [0, 1, 2], results: [0, 1, 2], text: "0\n1\n2" });
    }));

  it("end with error for a step that throws, at once, after partials, or has no iterator", () =>
    withSteps(isolation, async (fixture) => {
      const atOnce = await watched(fixture, "watch(thrower, 0)");
      expect(atOnce.map(({ type }) => type)).toEqual(["start", "error"]);
      expect(atOnce[1]).toMatchObject({ error: "rate limit reached", code: "ERR_RATE_LIMIT" });
      const later = await watched(fixture, "watch(thrower, 2)");
      expect(later.map(({ type }) => type)).toEqual(["start", "partial", "partial", "error"]);
      const broken = await watched(fixture, "watch(broken, 0)");
      expect(broken.at(-1)).toMatchObject({ type: "error", error: "no iterator", code: "ERR_STEP" });
      const input = await watched(fixture, "watch(list, () => {})");
      expect(input.map(({ type }) => type)).toEqual(["start", "error"]);
      expect(input[1]).toMatchObject({ code: "ERR_VALIDATION" });
    }));

  it("keep their order when the step does not wait for room", () =>
    withSteps(isolation, async (fixture) => {
      const events = await watched(fixture, "watch(rush, 1000)");
      expect(events).toHaveLength(1002);
      expect(events.at(-1)).toMatchObject({ type: "final", text: deliveredText(events), result: "rushed" });
    }));

  it("end with error for a result that is too large to cross", () =>
    withSteps(isolation, async (fixture) => {
      const events = await watched(fixture, "watch(huge, 0)");
      expect(events.map(({ type }) => type)).toEqual(["start", "error"]);
      expect(events[1]).toMatchObject({ code: "ERR_LIMIT_MESSAGE" });
      expect(fixture.engine.stats().runs).toBe(0);
    }));

  it("end with interrupt and the text delivered so far after a cancel in the callback", () =>
    withSteps(isolation, async (fixture) => {
      for (const [step, n] of [
        ["count", 500],
        ["drip", 500],
        ["stubborn", 500],
      ] as const) {
        for (const at of [0, 1, 5]) {
          const events = await watched(
            fixture,
            `watch(${step}, ${n}, (event, id) => { if (event.seq === ${at} && !${step}.cancel(id)) throw new Error("not cancelled") })`,
          );
          expect(events).toHaveLength(at + 2);
          expect(events.at(-1)).toMatchObject({ type: "interrupt", text: deliveredText(events) });
        }
      }
    }));

  it("end with interrupt after a cancel from outside, by id, of all, by a signal", () =>
    withSteps(isolation, async (fixture) => {
      for (const cancel of ["drip.cancel(id)", "drip.cancel()", "controller.abort()"]) {
        const events = await watched(
          fixture,
          `(async () => {
            const controller = new AbortController();
            let id;
            const third = Promise.withResolvers();
            const look = (event, own) => { id = own; if (event.seq === 2) third.resolve(); };
            const events = watch(drip, 100_000, look, { signal: controller.signal });
            await third.promise;
            ${cancel};
            return events;
          })()`,
        );
        expect(events.length).toBeGreaterThan(2);
        expect(events.at(-1)).toMatchObject({ type: "interrupt", text: deliveredText(events) });
      }
    }));

  it("end with interrupt at once for a step that ignores its signal", () =>
    withSteps(isolation, async (fixture) => {
      const code = "watch(deaf, 0, (event) => { if (event.type === 'start') deaf.cancel() })";
      const { result: events, ms, allow } = await timed(() => watched(fixture, code));
      expect(events.map(({ type }) => type)).toEqual(["start", "interrupt"]);
      expect(ms).toBeLessThan(allow(1000));
    }));

  it("end with interrupt for every run that the host cancels, and the engine says how many", () =>
    withSteps(isolation, async ({ engine, run }) => {
      const running = run(
        `${WATCH}export default await Promise.all([watch(drip, 100_000), watch(drip, 100_000), watch(deaf, 0)])`,
      );
      await expect.poll(() => engine.stats().runs).toBe(3);
      await pause(30);
      expect(engine.cancelRuns()).toBe(3);
      expect(engine.cancelRuns()).toBe(0);
      const { value } = await running;
      for (const events of value as Watched[][]) {
        expect(expectWellFormed(events).at(-1)).toMatchObject({ type: "interrupt", text: deliveredText(events) });
      }
    }));

  it("cannot be cancelled once they have ended, twice, by another step or by an id that is none", () =>
    withSteps(isolation, async ({ run }) => {
      const { value } = await run(`${WATCH}
        const tries = [];
        let first;
        await watch(count, 3, (event, id) => { first = id });
        tries.push(count.cancel(first), count.cancel(), count.cancel("no such id"));
        const end = await watch(drip, 100_000, (event, id) => {
          if (event.seq === 2) tries.push(count.cancel(id), drip.cancel(id), drip.cancel(id), drip.cancel());
        });
        await watch(count, 3, (event, id) => { if (event.type === "final") tries.push(count.cancel(id)) });
        export default [tries, end.at(-1).type];`);
      expect(value).toEqual([[false, false, false, false, true, false, false, false], "interrupt"]);
    }));

  it("keep the order of each of 200 concurrent runs", () =>
    withSteps(isolation, async ({ run, engine }) => {
      const { value } = await run(
        `${WATCH}export default await Promise.all(Array.from({ length: 200 }, (_, i) => watch(count, i % 20)))`,
      );
      const runs = value as Watched[][];
      expect(runs).toHaveLength(200);
      for (const [i, events] of runs.entries()) {
        expect(expectWellFormed(events)).toHaveLength((i % 20) + 2);
        expect(events.at(-1)).toMatchObject({ type: "final", text: deliveredText(events) });
      }
      expect(new Set(runs.map((events) => events[0]!.id)).size).toBe(200);
      expect(engine.stats()).toMatchObject({ runs: 0, topics: 0 });
    }));

  it("come on the host's bus under step.{id}, for every way to end, and leave no topic", () =>
    withSteps(isolation, async ({ engine, run }) => {
      const onBus = new Map<string, StepEvent[]>();
      const subscription = engine.bus.subscribe<StepEvent>("step.*");
      const reading = (async () => {
        for await (const { topic, payload, ack } of subscription) {
          onBus.set(topic, [...(onBus.get(topic) ?? []), payload]);
          ack();
        }
      })();
      const { value } = await run(`${WATCH}export default await Promise.all([
        watch(count, 30), watch(silent, 0), watch(thrower, 3), watch(list, 3),
        watch(deaf, 0, (event) => { if (event.type === "start") deaf.cancel() })])`);
      subscription.close();
      await reading;
      const runs = value as Watched[][];
      expect(onBus.size).toBe(runs.length);
      for (const events of runs) {
        const published = onBus.get(`step.${events[0]!.id}`)!;
        expect(published.map(({ type, seq }) => [type, seq])).toEqual(events.map(({ type, seq }) => [type, seq]));
        expectWellFormed(published.map((event) => ({ ...event, id: event.step.stepId })));
      }
      expect(engine.bus.topics()).toEqual([]);
    }));

  it("are slowed by a subscriber on the host's bus too", () => {
    const progress = new Progress();
    return withSteps(
      isolation,
      async ({ engine, run }) => {
        const subscription = engine.bus.subscribe("step.*");
        const running = run(
          "await new Promise((resolve) => count.runWithEvents(300, ({ type }) => { if (type === 'final') resolve() }))",
        );
        await pause(100);
        expect(progress.published).toBeLessThanOrEqual(64);
        subscription.close();
        expect(await running).toMatchObject({ ok: true });
        expect(progress.published).toBe(301);
      },
      progress,
    );
  });

  it("of a stream that a script has dropped keep it no longer than it lasts, however many there are", () =>
    withSteps(isolation, async ({ run, engine, output }) => {
      for (const length of [1, 10, 300]) {
        for (const way of ["stream", "events"]) {
          const dropped = await run(`const all = count.${way}(${length}); export default [(await all.next()).done]`);
          expect(dropped).toMatchObject({ ok: true, value: [false] });
          expect(await run(`count.${way}(${length}); export default 1`)).toMatchObject({ ok: true, value: 1 });
          expect(engine.stats()).toMatchObject({ runs: 0, topics: 0 });
        }
      }
      const stalled = await run(`const all = count.events(300); await all.next(); await new Promise(() => {})`);
      expect(stalled.error?.code).toBe("ERR_SCRIPT_STALLED");
      // One that is read slowly, after its script's body, is read to its end.
      const slow = await run(`
        (async () => {
          let pieces = 0;
          for await (const piece of count.stream(200)) {
            pieces++;
            if (pieces % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
          }
          console.log(pieces);
        })();`);
      expect(slow).toMatchObject({ ok: true });
      expect(output.lines).toEqual(["200"]);
    }));

  it("are not needed for startAsync(), which gives results with metadata or rejects", () =>
    withSteps(isolation, async ({ run }) => {
      const { value } = await run(`
        const results = await count.startAsync(5);
        const caught = async (f) => { try { await f() } catch (e) { return [e.name, e.code, e.message, e.status] } };
        const failed = await caught(() => thrower.startAsync(2));
        const controller = new AbortController();
        const aborting = caught(() => deaf.startAsync(0, { signal: controller.signal }));
        controller.abort();
        const { type, eventCount, durationMs, stepId } = results.metadata;
        export default [[...results], Object.keys(results), type, eventCount, typeof durationMs, stepId.length, failed, (await aborting).slice(0, 1)];`);
      expect(value).toEqual([
        ["counted"],
        ["0"],
        "count",
        7,
        "number",
        36,
        ["ProviderError", "ERR_RATE_LIMIT", "rate limit reached", 429],
        ["AbortError"],
      ]);
    }));
});
