import { describe, expect, it } from "vitest";
import { timed } from "../machine/machine-watch.ts";
import { ISOLATIONS, withEngine } from "./engine-harness.ts";

describe.each(ISOLATIONS)("timers in a %s", (isolation) => {
  it("pass their arguments, give numbers as ids and run in turns of their own", () =>
    withEngine({ isolation }, async ({ run }) => {
      const { value } = await run(`
        const calls = [];
        const ids = [setTimeout((...args) => calls.push(["timeout", ...args]), 1, "a", 2), setImmediate((...args) => calls.push(["immediate", ...args]), null)];
        let id, ticks = 0;
        await new Promise((resolve) => { id = setInterval((a) => { calls.push(["interval", a]); if (++ticks === 2) { clearInterval(id); resolve(); } }, 3, "i"); });
        export default [calls, ids.every((id) => Number.isInteger(+id) && id > 0), ids[0] !== ids[1]];`);
      expect(value).toEqual([
        [
          ["immediate", null],
          ["timeout", "a", 2],
          ["interval", "i"],
          ["interval", "i"],
        ],
        true,
        true,
      ]);
    }));

  it("take any delay: strings as numbers, what makes no sense as 1 ms", () =>
    withEngine({ isolation }, async ({ run }) => {
      const { result, allow } = await timed(() =>
        run(`
        const delays = [undefined, null, NaN, -5, 0, "0", "2", "text", {}, [], true, Infinity, 2 ** 31, 1e300, { valueOf: () => 3 }];
        const fired = await Promise.all(delays.map((delay, i) => new Promise((resolve) => setTimeout(resolve, delay, i))));
        export default fired;`),
      );
      expect(result.value).toEqual(Array.from({ length: 15 }, (_, i) => i));
      expect(result.stats.durationMs).toBeLessThan(allow(2000));
    }));

  it("wait at least as long as they were told", () =>
    withEngine({ isolation }, async ({ run }) => {
      const { value } = await run(`
        const waits = [];
        for (const ms of [1, 5, 20, 40]) {
          const startedAt = performance.now();
          await new Promise((resolve) => setTimeout(resolve, ms));
          waits.push(performance.now() - startedAt - ms);
        }
        export default waits;`);
      // The clock of the host's timers counts whole milliseconds.
      for (const late of value as number[]) expect(late).toBeGreaterThan(-1.5);
    }));

  it("refuse what is no function, and a missing callback, as TypeErrors that name the call", () =>
    withEngine({ isolation }, async ({ run }) => {
      const { value } = await run(`
        const refused = [];
        for (const f of [setTimeout, setInterval, setImmediate]) for (const bad of [undefined, null, "code()", 5, {}]) {
          try { f(bad, 1); refused.push("accepted") } catch (e) { refused.push(e instanceof TypeError && e.message.includes(f.name)) }
        }
        export default refused;`);
      expect(value).toEqual(Array.from({ length: 15 }, () => true));
    }));

  it("do not fire once cleared, by any of the clear functions, and ignore ids that are none", () =>
    withEngine({ isolation }, async ({ run, output }) => {
      const outcome = await run(`
        const never = () => console.log("never");
        clearTimeout(setTimeout(never, 1));
        clearInterval(setTimeout(never, 1));
        clearTimeout(setInterval(never, 1));
        clearImmediate(setImmediate(never));
        clearTimeout(String(setTimeout(never, 1)));
        for (const id of [undefined, null, NaN, -1, 0, 1e9, "x", {}, [], Symbol.iterator.toString()]) { clearTimeout(id); clearInterval(id); clearImmediate(id); }
        await new Promise((resolve) => setTimeout(resolve, 20));`);
      expect(outcome).toMatchObject({ ok: true });
      expect(output.out).toBe("");
    }));

  it("do not fire early where one that is due before them is cleared by a turn that goes on", () =>
    withEngine({ isolation }, async ({ run }) => {
      const { value } = await run(`
        let early = false;
        const late = setTimeout(() => { early = true; }, 600_000);
        const cleared = setTimeout(() => {}, 20);
        await new Promise((resolve) => setTimeout(resolve, 1));
        for (const until = Date.now() + 60; Date.now() < until; );
        clearTimeout(cleared);
        await chat("slow: 50ms\\necho: something to wait for");
        clearTimeout(late);
        export default early;`);
      expect(value).toBe(false);
    }));

  it("can be cleared by one that is due at the same moment", () =>
    withEngine({ isolation }, async ({ run, output }) => {
      await run(`
        let second, fourth;
        setTimeout(() => { console.log("first"); clearTimeout(second); }, 5);
        second = setTimeout(() => console.log("never"), 5);
        setImmediate(() => { console.log("third"); clearImmediate(fourth); });
        fourth = setImmediate(() => console.log("never"));`);
      expect(output.lines).toEqual(["third", "first"]);
    }));

  it("can be cleared inside their own callbacks", () =>
    withEngine({ isolation }, async ({ run, output }) => {
      const outcome = await run(`
        const interval = setInterval(() => { console.log("tick"); clearInterval(interval); clearInterval(interval); }, 1);
        const timeout = setTimeout(() => { console.log("timeout"); clearTimeout(timeout); }, 20);`);
      expect(outcome).toMatchObject({ ok: true, end: "completed" });
      expect(output.lines).toEqual(["tick", "timeout"]);
    }));

  it("fire in the order of their deadlines, 1,000 of them, then of their creation", () =>
    withEngine({ isolation }, async ({ run }) => {
      const { value } = await run(`
        const fired = [];
        const delays = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 50);
        await Promise.all(delays.map((ms, i) => new Promise((resolve) => setTimeout(() => { fired.push([Math.max(ms, 1), i]); resolve(); }, ms))));
        export default fired;`);
      const fired = value as [number, number][];
      expect(fired).toHaveLength(1000);
      expect(fired).toEqual([...fired].sort(([a, i], [b, j]) => a - b || i - j));
    }));

  it("do not pile up when an interval's callback is slower than its period", () =>
    withEngine({ isolation }, async ({ run }) => {
      const { value } = await run(`
        const busy = (ms) => { const end = Date.now() + ms; while (Date.now() < end); };
        const gaps = [];
        let ticks = 0, last;
        await new Promise((resolve) => {
          const id = setInterval(() => {
            if (last !== undefined) gaps.push(performance.now() - last);
            busy(15);
            last = performance.now();
            if (++ticks === 6) { clearInterval(id); resolve(); }
          }, 5);
        });
        export default gaps;`);
      // Each period counts from the end of the tick before it.
      for (const gap of value as number[]) expect(gap).toBeGreaterThan(3);
    }));

  it("wait for a blocking call to return, and then fire in order", () =>
    withEngine(
      {
        isolation,
        setup: [
          (vm) =>
            vm.op("block", (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), { mode: "blocking" }),
        ],
      },
      async ({ run, output }) => {
        await run(`
          setTimeout(() => console.log("timer 10"), 10);
          setTimeout(() => console.log("timer 1"), 1);
          setImmediate(() => console.log("immediate"));
          console.log("before");
          block(60);
          console.log("after");`);
        expect(output.lines).toEqual(["before", "after", "immediate", "timer 1", "timer 10"]);
      },
    ));

  it("keep the script alive while they are pending, and let it end when the last is cleared", () =>
    withEngine({ isolation }, async ({ run, engine }) => {
      const outcome = await run("const id = setInterval(() => {}, 600_000); setTimeout(() => clearInterval(id), 20)");
      expect(outcome).toMatchObject({ ok: true });
      expect(outcome.stats.durationMs).toBeGreaterThan(15);
      expect(outcome.stats.durationMs).toBeLessThan(600_000);
      expect(engine.stats().timers).toBe(0);
    }));

  it("go on firing in a long-lived engine, and one that throws there is reported and harms no other", () => {
    const reported: string[] = [];
    return withEngine(
      { isolation, onGuestError: ({ message }) => void reported.push(message) },
      async ({ engine, output }) => {
        await engine.runOnLoop(
          "setTimeout(() => { throw new Error('late') }, 1); setTimeout(() => console.log('on'), 5); undefined",
        );
        await expect.poll(() => output.lines).toEqual(["on"]);
        expect(reported).toEqual(["late"]);
      },
    );
  });
});
