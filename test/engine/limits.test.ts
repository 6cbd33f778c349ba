import { describe, expect, it, vi } from "vitest";
import { RuntimeEngine } from "../../src/index.ts";
import { timed } from "../machine/machine-watch.ts";
import { patience } from "../machine/patience.ts";
import { ISOLATIONS, withEngine } from "./engine-harness.ts";

describe.each(ISOLATIONS)("limits in a %s", (isolation) => {
  it("of a turn are not those of the host's own code while it sets the engine up", () =>
    withEngine(
      {
        isolation,
        limits: { turnMs: 20 },
        setup: [async (vm) => void (await vm.runString("const until = Date.now() + 60; while (Date.now() < until);"))],
      },
      async ({ run }) => {
        expect(await run("for (;;);")).toMatchObject({ ok: false, error: { code: "ERR_LIMIT_TURN" } });
      },
    ));

  it.each([
    ["an endless loop", "for (;;);"],
    ["endless microtasks", "const again = () => Promise.resolve().then(again); again(); await new Promise(() => {})"],
    ["a bad regular expression", "/(a+)+$/.test('a'.repeat(40) + 'b')"],
    ["an interval", "setInterval(() => {}, 5)"],
    ["a loop in a timer", "setTimeout(() => { for (;;); }, 1)"],
    ["a loop in an event callback", "doubleStep.runWithEvents(1, () => { for (;;); })"],
  ])("end %s at the time limit", (_, code) =>
    withEngine({ isolation, limits: { wallMs: 150 } }, async ({ run }) => {
      const { result: outcome, allow } = await timed(() => run(code));
      expect(outcome).toMatchObject({
        ok: false,
        end: "limit",
        error: { name: "LimitError", code: "ERR_LIMIT_WALL", fromHost: true },
      });
      expect(outcome.error?.message).toContain("--timeout");
      expect(outcome.stats.durationMs).toBeLessThan(allow(150 + 250));
    }),
  );

  it.each([
    [
      "a loop",
      "function spin() {\n  for (;;);\n}\nspin();",
      "    at spin (file:///script.js:2:3)\n    at file:///script.js:4:1",
    ],
    ["a loop after an await", "await 1;\nfor (;;);", "    at file:///script.js:2:1"],
    ["a loop in a timer", "setTimeout(() => {\n  for (;;);\n}, 1);", "    at file:///script.js:2:3"],
    [
      "a loop in an event callback",
      "doubleStep.runWithEvents(1, () => {\n  for (;;);\n});",
      "    at file:///script.js:2:3",
    ],
    ["a bad regular expression", "1;\n/(a+)+$/.test('a'.repeat(40) + 'b');", "    at file:///script.js:2:10"],
    // The host waits 150 ms to be told; on a busy machine that is now and then too short.
  ])("tell where %s was at the time limit, and at that of a turn", { retry: 5 }, async (_, code, frames) => {
    // It has to come so far.
    for (const limits of [{ wallMs: patience(300) }, { turnMs: patience(200) }]) {
      await withEngine({ isolation, limits }, async ({ run }) => {
        const { error } = await run(code);
        expect(error).toMatchObject({ name: "LimitError", stack: expect.stringContaining(frames) as string });
      });
    }
  });

  it("end a script that waits on the host at the time limit, and go on with the engine", () =>
    withEngine({ isolation, limits: { wallMs: patience(500) } }, async ({ run }) => {
      expect(await run("await new Promise((r) => setTimeout(r, 600_000))")).toMatchObject({
        error: { code: "ERR_LIMIT_WALL" },
      });
      expect(await run("export default 2")).toMatchObject({ ok: true, value: 2 });
    }));

  it("end a script for good when its realm is the first to see that its time is over", () =>
    withEngine({ isolation, limits: { wallMs: 300 } }, async ({ run }) => {
      // The host's own timer comes late.
      const real = setTimeout;
      const spy = vi
        .spyOn(globalThis, "setTimeout")
        .mockImplementation((callback, ms, ...args) => real(callback, ms === 300 ? 600_000 : ms, ...args));
      const busy = "() => { for (const end = Date.now() + 100; Date.now() < end;); }";
      const outcome = await run(`for (let i = 0; i < 10_000; i++) Promise.resolve().then(${busy}); for (;;);`);
      spy.mockRestore();
      expect(outcome).toMatchObject({ end: "limit", error: { code: "ERR_LIMIT_WALL" } });
      // What waits in its queue of microtasks would run for a thousand seconds.
      expect(await run("export default 1")).toMatchObject({ end: "crashed", error: { code: "ERR_ENGINE_CLOSED" } });
    }));

  it("end a turn that is too long, whatever the script says about it", () =>
    withEngine({ isolation, limits: { turnMs: 100 } }, async ({ run }) => {
      expect(await run("try { for (;;); } finally { done('forged') }")).toMatchObject({
        end: "limit",
        error: { code: "ERR_LIMIT_TURN" },
      });
    }));

  it("end a script that floods memory with strings", () =>
    withEngine({ isolation, limits: { memoryMB: 32 } }, async ({ run }) => {
      const outcome = await run("const a = []; for (;;) a.push('x'.repeat(1000) + a.length)");
      expect(outcome).toMatchObject({ end: "limit", error: { code: "ERR_LIMIT_MEMORY" } });
      // V8 frees the isolate on another thread; a process that ends before that can crash.
      if (isolation === "thread") await new Promise((resolve) => setTimeout(resolve, 500));
    }));

  it("cannot be forged by an error's text", () =>
    withEngine({ isolation, limits: { wallMs: 100_000 } }, async ({ run }) => {
      for (const text of ["Script execution timed out.", "Isolate was disposed during execution due to memory limit"]) {
        expect(await run(`throw new Error(${JSON.stringify(text)})`)).toMatchObject({
          end: "uncaught",
          error: { fromHost: false },
        });
      }
      const claimed = await run("const e = new Error('x'); e.name = 'LimitError'; e.code = 'ERR_LIMIT_WALL'; throw e");
      expect(claimed).toMatchObject({ end: "uncaught", error: { fromHost: false } });
    }));

  it("end a script that computes for too long, in however many turns", () =>
    withEngine({ isolation, limits: { cpuMs: 100 } }, async ({ run }) => {
      const outcome = await run(
        "for (;;) { for (const end = performance.now() + 5; performance.now() < end;); await new Promise(setImmediate); }",
      );
      expect(outcome).toMatchObject({ end: "limit", error: { code: "ERR_LIMIT_CPU", fromHost: true } });
      expect(outcome.error?.message).toContain("--cpu");
    }));

  it("leave waiting out of the time that is computed", () =>
    withEngine({ isolation, limits: { cpuMs: patience(100) } }, async ({ run }) => {
      expect(await run(`await new Promise((end) => setTimeout(end, ${patience(400)}))`)).toMatchObject({ ok: true });
    }));

  it("end a script whose runs have too many events, each script's counted afresh", () =>
    withEngine({ isolation, limits: { events: 10 } }, async ({ run }) => {
      const code = (runs: number): string =>
        `for (let i = 0; i < ${runs}; i++) await doubleStep.startAsync(i); done(1)`;
      for (const _ of [1, 2]) expect(await run(code(4))).toMatchObject({ ok: true, value: 1 });
      expect(await run(`try { ${code(100)} } catch { done("caught") }`)).toMatchObject({
        end: "limit",
        error: {
          code: "ERR_LIMIT_EVENTS",
          message: "The script exceeded the limit of events of 10; raise it with limits.events",
        },
      });
    }));

  it("refuse arguments over the limit, catchably, until those before have been served", () =>
    withEngine({ isolation, limits: { argumentChars: 10_000 } }, async ({ run }) => {
      const { value, error } = await run(`
        const text = "x".repeat(3000);
        const tries = { ops: () => embeddings.generateEmbeddingAsync(text).catch(() => {}),
          runs: () => { const { promise, resolve } = Promise.withResolvers(); new ChatStepFactory().newStep().runWithEvents("slow: 50ms\\necho: a " + text, ({ type }) => type !== "start" && type !== "partial" && resolve()); return promise; } };
        const result = {};
        for (const name in tries) {
          const pending = [];
          try { for (let i = 0; ; i++) { result[name] = i; pending.push(tries[name]()); } } catch (e) { result[name] += " " + e.name + " " + e.code; }
          await Promise.all(pending);
          // The host hears a turn later that one has been served.
          for (;;) try { await tries[name](); break; } catch { await new Promise(setImmediate); }
        }
        export default result;`);
      expect(error).toBeUndefined();
      // How many there were before depends on how fast they are served meanwhile.
      const refused = expect.stringMatching(/^\d+ LimitError ERR_LIMIT_ARGUMENTS$/);
      expect(value).toEqual({ ops: refused, runs: refused });
    }));

  it("refuse messages that are too long or too deep, catchably", () =>
    withEngine({ isolation }, async ({ run }) => {
      const { value } = await run(`
        let deep = []; for (let i = 0; i < 250; i++) deep = [deep];
        const inputs = ["x".repeat(17e6), deep];
        const result = [];
        for (const input of inputs) try { await doubleStep.startAsync(input); } catch (e) { result.push([e.name, e.code]); }
        export default result;`);
      expect(value).toEqual([
        ["LimitError", "ERR_LIMIT_MESSAGE"],
        ["ValidationError", "ERR_VALIDATION"],
      ]);
    }));

  it("end a script that prints too much", () =>
    withEngine({ isolation, limits: { outputBytes: 10_000 } }, async ({ run, output }) => {
      expect(await run("for (;;) console.log('x'.repeat(999))")).toMatchObject({ error: { code: "ERR_LIMIT_OUTPUT" } });
      expect(output.out).toHaveLength(10_000);
    }));

  it("refuse results that the host would have to keep for runs under way, catchably, and give back what has ended", () =>
    withEngine({ isolation, limits: { resultBytes: 1_000_000 } }, async ({ run }) => {
      const { value } = await run(`
        const big = "x".repeat(100_000);
        const caught = (promise) => promise.then(() => "done", (e) => [e.name, e.code, e.cause?.code].join(" "));
        const list = (n) => caught(steps.createMapStep(() => big).startAsync(Array.from({ length: n })));
        const single = (n) => caught(Promise.all(Array.from({ length: n }, () => steps.createLambdaStep(() => big).startAsync(1))));
        const stuck = pipeline.chain(() => [big, big, big], (x) => [x, x, x], () => new Promise(() => {}));
        const piped = pipeline.chain(() => Array(5).fill(big), () => Array(5).fill(big));
        export default [await list(8), await list(12), await single(5), await list(8), await caught(stuck.startAsync([1, 2, 3])),
          await caught(piped.startAsync(1)), await list(8)];`);
      expect(value).toEqual([
        "done",
        "LimitError ERR_LIMIT_RESULTS ",
        "done",
        "done",
        "StageError ERR_STAGE ERR_LIMIT_RESULTS",
        "StageError ERR_STAGE ERR_LIMIT_RESULTS",
        "done",
      ]);
    }));

  it.each([
    ["empty lists", "Array.from({ length: 1000 }, () => [])"],
    ["empty records", "Array.from({ length: 1000 }, () => ({}))"],
    ["a map", "new Map(Array.from({ length: 300 }, (_, i) => [i, 'x'.repeat(100)]))"],
    ["a set", "new Set(Array.from({ length: 1000 }, (_, i) => i + 1e9))"],
    ["an error", "new Error('x'.repeat(8000))"],
    ["bytes", "new Uint8Array(20_000)"],
    ["bigints", "Array.from({ length: 100 }, () => 2n ** 4000n)"],
  ])("count what the host keeps of results, not their texts: %s", (_, value) =>
    withEngine({ isolation, limits: { resultBytes: 5_000_000 } }, async ({ run }) => {
      const code = `
        const value = ${value};
        await steps.createMapStep(() => value).startAsync(Array.from({ length: 1000 }))`;
      expect(await run(code)).toMatchObject({ end: "uncaught", error: { code: "ERR_LIMIT_RESULTS" } });
    }),
  );

  it("refuse timers, runs and operations over the limit, catchably", () =>
    withEngine({ isolation, limits: { timers: 3, runs: 2, ops: 2 } }, async ({ run }) => {
      const { value } = await run(`
        const tries = { timers: () => setTimeout(() => {}, 5),
          runs: () => doubleStep.runWithEvents(1, () => {}),
          ops: () => { embeddings.generateEmbeddingAsync("x").catch(() => {}); } };
        const result = {};
        for (const name in tries) {
          try { for (let i = 0; ; i++) { result[name] = i; tries[name](); } } catch (e) { result[name] += " " + e.name + " " + e.code; }
        }
        export default result;`);
      expect(value).toEqual({
        timers: "3 LimitError ERR_LIMIT_TIMERS",
        runs: "2 LimitError ERR_LIMIT_RUNS",
        ops: "2 LimitError ERR_LIMIT_OPS",
      });
    }));
});

describe("limits in a process", () => {
  it.each([
    ["an array that grows", "const a = []; for (;;) a.push(new Array(1000).fill(a.length))", 64, "ERR_LIMIT_MEMORY"],
    ["typed arrays", "const a = []; for (;;) a.push(new Uint8Array(1e6).fill(1))", 64, undefined],
    ["a native loop", "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)", 64, "ERR_LIMIT_WALL"],
    // Memory enough for the string, so that it is the abort that ends it.
    ["a V8 abort", "'x'.repeat(2 ** 28).split('')", 900, "ERR_ENGINE_CRASHED"],
  ])("hold against %s", (_, code, memoryMB, expected) => {
    // Only what nothing else ends is to meet the time limit.
    const wallMs = patience(expected === "ERR_LIMIT_WALL" ? 500 : 20_000);
    return withEngine({ isolation: "process", limits: { memoryMB, wallMs } }, async ({ run }) => {
      let ticks = 0;
      const timer = setInterval(() => ticks++, 10);
      const { result: outcome, allow } = await timed(() => run(code));
      clearInterval(timer);
      expect(outcome.ok).toBe(false);
      if (expected !== undefined) expect(outcome.error?.code).toBe(expected);
      expect(outcome.stats.durationMs).toBeLessThan(wallMs + allow(250));
      // The host's own timers have kept ticking: at least half as often as they would if nothing held them up.
      expect(ticks).toBeGreaterThan(outcome.stats.durationMs / allow(10) / 2 - 2);
    });
  });
});

describe("new RuntimeEngine()", () => {
  it("names the limit or option that it refuses", () => {
    expect(() => new RuntimeEngine({ limits: { memoryMB: -1 } })).toThrow("limits.memoryMB to -1");
    expect(() => new RuntimeEngine({ limits: { wall: 5 } as object })).toThrow("limits.wall");
    expect(() => new RuntimeEngine({ isolation: "vm" as "thread" })).toThrow('"vm"');
  });
});
