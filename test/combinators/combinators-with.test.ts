import { describe, expect, it } from "vitest";
import { defineStep, setupDefaults, type SetupFunction } from "../../src/index.ts";
import { withEngine } from "../engine/engine-harness.ts";
import { PRELUDE, valueOf } from "./script-value.ts";

/** A step whose text fails after so many pieces. */
const setupFailingText: SetupFunction = async function failingText(vm) {
  const step = defineStep<number, string>({
    name: "failing-text",
    kind: "text",
    async *run(count, { publish }) {
      for (let i = 0; i < count; i++) await publish({ type: "partial", delta: "x" });
      if (count >= 0) throw new Error(`failed after ${count}`);
      yield "never";
    },
  });
  await vm.registerStep("failingText", step);
};

describe("withRetry()", () => {
  it("counts attempts from 1, asks shouldRetry and drops the results of failed attempts", async () => {
    const value = await valueOf(`
      const asked = [];
      let n = 0;
      const flaky = steps.createMapStep((x) => { if (x === 2 && ++n < 3) throw new Error("no " + n); return x });
      const robust = steps.withRetry(flaky, { maxAttempts: 4, backoff: (attempt) => { asked.push(attempt); return 1 }, shouldRetry: (error) => { asked.push(error.message); return true } });
      const results = await robust.startAsync([1, 2, 3]);
      n = 0;
      const kinds = await types(robust, [1, 2, 3]);
      n = 0;
      const refused = await caught(() => steps.withRetry(flaky, { maxAttempts: 5, shouldRetry: (error) => error.isTransient }).startAsync([2]));
      export default [results, asked.slice(0, 4), kinds, refused.message, n];`);
    expect(value).toEqual([[1, 2, 3], ["no 1", 1, "no 2", 2], "start partial partial partial final", "no 1", 1]);
  });

  it("does not retry a text after its first piece", () =>
    withEngine({ isolation: "thread", setup: [setupDefaults(), setupFailingText] }, async ({ run }) => {
      const { value, error } = await run(`${PRELUDE}
        let attempts = 0;
        const step = steps.withRetry(steps.withEvents(failingText, { onStart: () => attempts++ }), { maxAttempts: 3 });
        const early = await types(step, 0);
        const tries = attempts;
        const late = await types(step, 2);
        const blocked = await caught(() => step.startBlocking(1));
        export default [early, tries, late, attempts - tries, blocked.message];`);
      expect(error).toBeUndefined();
      expect(value).toEqual(["start error", 3, "start partial partial error", 2, "failed after 1"]);
    }));

  it("does not take the cancel of what it runs for a failure", async () => {
    const value = await valueOf(`
      let n = 0;
      const inner = steps.createLambdaStep(() => { n++; return new Promise(() => {}) });
      const promise = caught(() => steps.withRetry(inner, { maxAttempts: 3, shouldRetry: () => true }).startAsync(1));
      await until(() => n === 1);
      inner.cancel();
      export default [(await promise).name, n];`);
    expect(value).toEqual(["AbortError", 1]);
  });

  it("loses nothing but the answer of a shouldRetry or backoff that throws, and reports it", () => {
    const reported: string[] = [];
    return withEngine(
      { isolation: "thread", onGuestError: (error) => reported.push(error.message) },
      async ({ engine }) => {
        await engine.runOnLoop(`
          var n = 0;
          var flaky = steps.createLambdaStep((x) => { if (++n < 3) throw new Error("boom " + n); return x });`);
        const retried = await engine.runOnLoop(
          `steps.withRetry(flaky, { maxAttempts: 3, backoff: () => { throw new Error("bad backoff") } }).startAsync(7)`,
        );
        const outOfRange = await engine.runOnLoop(
          `n = 0; steps.withRetry(flaky, { maxAttempts: 3, backoff: () => -5 }).startAsync(7)`,
        );
        await expect(
          engine.runOnLoop(
            `n = 0; steps.withRetry(flaky, { shouldRetry: () => { throw new Error("bad ask") } }).startAsync(7)`,
          ),
        ).rejects.toThrow("boom 1");
        await expect.poll(() => engine.stats().runs).toBe(0);
        expect([retried, outOfRange]).toEqual([[7], [7]]);
        const range = "Cannot wait before the next attempt: backoff must give a number of milliseconds, not -5";
        expect(reported).toEqual(["bad backoff", "bad backoff", range, range, "bad ask"]);
      },
    );
  });
});

describe("withTimeout()", () => {
  it("ends a step that never ends in a TimeoutError, however it was started", async () => {
    const value = await valueOf(`
      const never = steps.createLambdaStep(() => new Promise(() => {}));
      const timed = steps.withTimeout(never, 15);
      const error = await caught(() => timed.startAsync(1));
      const sleeps = steps.withRetry(steps.createLambdaStep(() => { throw new Error("no") }), { backoff: () => 60_000 });
      const blocked = await caught(() => steps.withTimeout(sleeps, 15).startBlocking(1));
      export default [error.name, error.code, error.isTransient, error.message, await types(timed, 1), blocked.name, (await steps.withTimeout(doubleStep, 0.5).startAsync(2).catch((e) => [e.name])).length];`);
    const message = 'Cannot finish the step "lambda": it took more than 15 ms';
    expect(value).toEqual(["TimeoutError", "ERR_TIMEOUT", true, message, "start error", "TimeoutError", 1]);
  });

  it("stays a text step: pieces, tool events and the message come through as they are", async () => {
    const value = await valueOf(`
      const chat = new ChatStepFactory().newStep();
      const all = await events(steps.withTimeout(steps.withRetry(steps.withEvents(chat, {}), {}), 5000), "hello");
      const partials = all.filter((event) => event.type === "partial");
      const last = all.at(-1);
      export default {
        whole: partials.map((event) => event.delta).join("") === last.text && partials.at(-1).completion === last.text,
        ids: new Set(all.slice(1).map((event) => event.meta.messageId)).size,
        message: [last.result.id === last.meta.messageId, last.result.role, last.result.time instanceof Date, last.meta.engine],
        order: all.every((event, i) => event.seq === i),
        count: last.step.metadata.eventCount === all.length,
      };`);
    expect(value).toEqual({
      whole: true,
      ids: 1,
      message: [true, "assistant", true, "demo"],
      order: true,
      count: true,
    });
  });
});

describe("withState()", () => {
  it("keeps its state and lets executions in one at a time, in their order", async () => {
    const value = await valueOf(`
      let inside = 0, most = 0;
      const step = steps.withState({ initialState: { all: [] }, step: async (x, state) => {
        most = Math.max(most, ++inside);
        await pause(x === "a" ? 10 : 1);
        state.all.push(x);
        inside--;
        if (x === "b") throw new Error("b fails");
        return state.all.join("");
      } });
      const ends = await Promise.allSettled(["a", "b", "c", "d"].map((x) => step.startAsync(x)));
      const waiting = step.startAsync("a");
      const controller = new AbortController();
      const given = caught(() => step.startAsync("x", { signal: controller.signal }));
      const after = step.startAsync("e");
      controller.abort("no more");
      await pause(1);
      const blocked = await caught(() => step.startBlocking("f"));
      export default [ends.map((end) => end.value?.[0] ?? end.reason.message), most, await given, (await waiting)[0], (await after)[0], blocked.code];`);
    expect(value).toEqual([["a", "b fails", "abc", "abcd"], 1, "no more", "abcda", "abcdae", "ERR_STEP_ASYNC"]);
  });

  it("lets its function start a further execution, which comes after; one that waits for that can be timed out", async () => {
    const value = await valueOf(`
      const order = [];
      const step = steps.withState({ initialState: {}, step: async (x) => {
        order.push("begin " + x);
        let further;
        if (x === "first") further = step.startAsync("further");
        if (x === "waits") await timed.startAsync("inner");
        if (x === "blocks") step.startBlocking("inner");
        await pause(1);
        order.push("end " + x);
        return { further };
      } });
      const timed = steps.withTimeout(step, 30);
      await (await step.startAsync("first"))[0].further;
      const inOrder = [...order];
      const waited = await caught(() => timed.startAsync("waits"));
      const blocked = await caught(() => step.startAsync("blocks"));
      await step.startAsync("last");
      export default [inOrder, waited.name, blocked.code, order.at(-1)];`);
    expect(value).toEqual([
      ["begin first", "end first", "begin further", "end further"],
      "TimeoutError",
      "ERR_STEP_ASYNC",
      "end last",
    ]);
  });

  it("is not held up by the executions of a script that has ended", () =>
    withEngine({ isolation: "thread" }, async ({ engine }) => {
      const code = `globalThis.kept ??= steps.withState({ initialState: {}, step: (x) => x === 1 ? new Promise(() => {}) : x });`;
      await engine.runScript({ code: `${code} kept.startAsync(1); done()` });
      expect(await engine.runScript({ code: `${code} export default await kept.startAsync(2)` })).toMatchObject({
        value: [2],
      });
    }));
});

describe("withEvents()", () => {
  it("tells its hooks and changes nothing", async () => {
    const value = await valueOf(`
      const log = [];
      const hooks = { onStart: (x) => log.push(["start", x]), onResult: (x) => log.push(["result", x]), onComplete: () => log.push(["complete"]), onError: (e) => log.push(["error", e.message]) };
      const results = await steps.withEvents(steps.createMapStep((x) => x + 1), hooks).startAsync([1, 2]);
      const error = await caught(() => steps.withEvents(steps.createLambdaStep(() => { throw new Error("no") }), hooks).startAsync(3));
      steps.withEvents(doubleStep, hooks).startBlocking(4);
      export default [results, error.message, log];`);
    const log = [["start", [1, 2]], ["result", 2], ["result", 3], ["complete"], ["start", 3], ["error", "no"]];
    expect(value).toEqual([[2, 3], "no", [...log, ["start", 4], ["result", 8], ["complete"]]]);
  });

  it("reports a hook that throws and goes on", () => {
    const reported: string[] = [];
    return withEngine(
      { isolation: "thread", onGuestError: (error) => reported.push(error.message) },
      async ({ engine }) => {
        const results = await engine.runOnLoop(`
        steps.withEvents(doubleStep, { onStart: () => { throw new Error("start") }, onResult: () => { throw new Error("result") }, onComplete: () => { throw new Error("complete") } }).startAsync(4)`);
        await expect.poll(() => engine.stats().runs).toBe(0);
        expect(results).toEqual([8]);
        expect(reported).toEqual(["start", "result", "complete"]);
      },
    );
  });
});
