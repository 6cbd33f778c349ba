import { describe, expect, it } from "vitest";
import { timed } from "../machine/machine-watch.ts";
import { ISOLATIONS, withEngine } from "./engine-harness.ts";

describe.each(ISOLATIONS)("runScript() in a %s", (isolation) => {
  it("gives the default export as value and as text", () =>
    withEngine({ isolation }, async ({ run }) => {
      expect(await run("export default { a: [1, 2] }")).toMatchObject({
        ok: true,
        end: "completed",
        value: { a: [1, 2] },
        text: "{ a: [ 1, 2 ] }",
      });
    }));

  it("copies dates, maps, sets, vectors, bigints and undefined", () =>
    withEngine({ isolation }, async ({ run }) => {
      const { value } = await run(`export default {
        date: new Date(5), map: new Map([["a", 1]]), set: new Set([2]), vector: new Float32Array([0.5, -1]),
        big: 12345678901234567890n, list: [undefined, NaN, -0, Infinity], $: "dollar", ["__proto__"]: 1 }`);
      expect(value).toEqual({
        date: new Date(5),
        map: new Map([["a", 1]]),
        set: new Set([2]),
        vector: new Float32Array([0.5, -1]),
        big: 12345678901234567890n,
        list: [undefined, NaN, -0, Infinity],
        $: "dollar",
        ["__proto__"]: 1,
      });
    }));

  it("waits for top-level await, timers and runs", () =>
    withEngine({ isolation }, async ({ run, output }) => {
      const outcome = await run(`
        setTimeout(() => console.log("timer"), 20);
        doubleStep.runWithEvents(2, (event) => console.log(event.type));
        await new Promise((resolve) => setTimeout(resolve, 5));
        console.log("body");
        export default 1;`);
      expect(outcome).toMatchObject({ ok: true, value: 1 });
      expect(output.lines.toSorted()).toEqual(["body", "final", "start", "timer"]);
      expect(output.lines.indexOf("body")).toBeLessThan(output.lines.indexOf("timer"));
    }));

  it("tells the script its name and nothing of the host", () =>
    withEngine({ isolation }, async ({ engine }) => {
      const code = "export default [import.meta.url, process.argv, process.env, new Error('x').stack]";
      const outcome = await engine.runScript({ code, name: "tell.js" }, { args: ["a", "--b"], env: { A: "1" } });
      const [url, argv, env, stack] = outcome.value as [string, string[], object, string];
      expect(url).toBe("file:///tell.js");
      expect(argv).toEqual(["geppetto-js", "tell.js", "a", "--b"]);
      expect(env).toEqual({ A: "1" });
      expect(stack).toBe("Error: x\n    at file:///tell.js:1:61");
    }));

  it("defines input() only when there is an input", () =>
    withEngine({ isolation }, async ({ engine }) => {
      const code = "export default typeof input === 'function' ? input() : typeof input";
      expect((await engine.runScript({ code }, { input: "raw\n" })).value).toBe("raw\n");
      expect((await engine.runScript({ code })).value).toBe("undefined");
    }));

  it("runs a .cjs script as a classic one", () =>
    withEngine({ isolation }, async ({ engine }) => {
      const outcome = await engine.runScript({ code: "var kept = 5; typeof this", name: "old.cjs" });
      expect(outcome).toMatchObject({ ok: true, value: "object" });
      expect(await engine.runOnLoop("kept")).toBe(5);
    }));

  it("ends at done() with its value, hears nothing of what follows and cancels what is pending", () =>
    withEngine({ isolation }, async ({ run, output }) => {
      const outcome = await run(`
        setTimeout(() => console.log("never"), 1);
        doubleStep.runWithEvents(1, () => console.log("never"));
        console.log("before");
        done({ n: 1 });
        done("again");
        console.log("never");
        await null;
        console.log("never");`);
      expect(outcome).toMatchObject({ ok: true, end: "done", value: { n: 1 } });
      expect(output.lines).toEqual(["before"]);
    }));

  it("fails at an exception in the body, with frames of the script only", () =>
    withEngine({ isolation }, async ({ run }) => {
      const outcome = await run("function f() {\n  throw new TypeError('bad');\n}\nf();");
      expect(outcome).toMatchObject({
        ok: false,
        end: "uncaught",
        error: { name: "TypeError", message: "bad", fromHost: false },
      });
      expect(outcome.error?.stack).toBe(
        "TypeError: bad\n    at f (file:///script.js:2:9)\n    at file:///script.js:4:1",
      );
    }));

  it.each([
    ["a late exception", "await new Promise((r) => setTimeout(r, 1)); throw new RangeError('late')"],
    ["a timer that throws", "setTimeout(() => { throw new RangeError('late') }, 1)"],
    ["a callback that throws", "doubleStep.runWithEvents(1, () => { throw new RangeError('late') })"],
    ["an unhandled rejection", "Promise.reject(new RangeError('late'))"],
    ["a microtask that throws", "queueMicrotask(() => { throw new RangeError('late') })"],
    ["a rejection in a callback", "doubleStep.runWithEvents(1, async () => { throw new RangeError('late') })"],
    ["a rejected default export", "export default Promise.reject(new RangeError('late'))"],
  ])("fails at %s and cancels the rest", (_, code) =>
    withEngine({ isolation }, async ({ run, output }) => {
      const outcome = await run(`setTimeout(() => console.log("never"), 600_000);\n${code}`);
      expect(outcome).toMatchObject({ ok: false, end: "uncaught", error: { name: "RangeError", message: "late" } });
      expect(outcome.stats.durationMs).toBeLessThan(600_000);
      expect(output.out).toBe("");
    }),
  );

  it.each([
    "null",
    "undefined",
    "'text'",
    "42",
    "10n",
    "Symbol('s')",
    "{ a: 1 }",
    "() => {}",
    "new Proxy({}, { get() { throw 1 } })",
  ])("fails when %s is thrown, in the body and later", (thrown) =>
    withEngine({ isolation }, async ({ run }) => {
      for (const code of [
        `throw (${thrown})`,
        `setTimeout(() => { throw (${thrown}) })`,
        `Promise.reject(${thrown})`,
      ]) {
        const outcome = await run(code);
        expect(outcome).toMatchObject({ ok: false, end: "uncaught" });
        expect(outcome.error?.message).toBeTypeOf("string");
      }
    }),
  );

  it("does not count a rejection that is handled within its turn", () =>
    withEngine({ isolation }, async ({ run }) => {
      const code = "const p = Promise.reject(new Error('x')); await null; p.catch(() => {}); export default 1";
      expect(await run(code)).toMatchObject({ ok: true, value: 1 });
    }));

  it.each([
    "execution.sleep(600_000, { signal })",
    'execution.receive("x", { signal })',
    'execution.approve("x", { signal })',
    "doubleStep.startAsync(1, { signal })",
    "doubleStep.stream(1, { signal }).next()",
    "steps.bind([1], doubleStep, { signal })",
    'chat("x", { signal })',
    'new ChatSession().next("x", { signal })',
    'embeddings.generateEmbeddingAsync("x", { signal })',
    'runScript("1", { signal })',
  ])("does not count that %s rejects when the script aborts it", (call) =>
    withEngine({ isolation }, async ({ run }) => {
      const code = `const controller = new AbortController(); const { signal } = controller;
        ${call};
        controller.abort();
        await new Promise((resolve) => setTimeout(resolve, 5));
        export default "alive";`;
      expect(await run(code)).toMatchObject({ ok: true, value: "alive" });
    }),
  );

  it("ends a script that awaits what nothing can settle, at once", () =>
    withEngine({ isolation }, async ({ run }) => {
      const { result: outcome, allow } = await timed(() => run("await new Promise(() => {})"));
      expect(outcome).toMatchObject({ ok: false, end: "stalled", error: { code: "ERR_SCRIPT_STALLED" } });
      expect(outcome.stats.durationMs).toBeLessThan(allow(500));
    }));

  it("lets AbortSignal.timeout wake a waiting body, but not keep a settled one alive", () =>
    withEngine({ isolation }, async ({ run }) => {
      const waking = await run(`
        const signal = AbortSignal.timeout(20);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        export default signal.reason.name;`);
      expect(waking).toMatchObject({ ok: true, value: "TimeoutError" });
      const settled = await run("AbortSignal.timeout(60_000); export default 1");
      expect(settled).toMatchObject({ ok: true, value: 1 });
    }));

  it("says where a script does not parse", () =>
    withEngine({ isolation }, async ({ run }) => {
      expect(await run("let a = 1;\nlet a = 2;")).toMatchObject({
        ok: false,
        end: "load",
        error: {
          name: "SyntaxError",
          code: "ERR_SCRIPT_LOAD",
          message: expect.stringContaining("script.js:2:5") as string,
        },
      });
      const imported = await run("import fs from 'node:fs'");
      expect(imported).toMatchObject({
        end: "load",
        error: { name: "PermissionError", message: expect.stringContaining("import denied: node:fs") as string },
      });
      expect(imported.error?.stack).toBeUndefined();
    }));

  it("leaves nothing of one script to the next but what is global", () =>
    withEngine({ isolation }, async ({ run, output }) => {
      await run("setInterval(() => console.log('tick'), 1); globalThis.kept = 1; throw new Error('end')");
      const outcome = await run("await new Promise((r) => setTimeout(r, 30)); export default kept");
      expect(outcome).toMatchObject({ ok: true, value: 1 });
      expect(output.out).toBe("");
    }));

  it("ends at the host's signal", () =>
    withEngine({ isolation }, async ({ engine, output }) => {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 30);
      const outcome = await engine.runScript(
        { code: "setTimeout(() => console.log('never'), 1_000_000); await new Promise((r) => setTimeout(r, 600_000))" },
        { signal: abort.signal },
      );
      expect(outcome).toMatchObject({ ok: false, end: "aborted", error: { name: "AbortError", fromHost: true } });
      expect(output.out).toBe("");
    }));

  it("refuses a second script while one runs, and a file that is not there", () =>
    withEngine({ isolation }, async ({ engine, run }) => {
      const first = run("await new Promise((r) => setTimeout(r, 20))");
      await expect(run("1")).rejects.toThrow("runs one already");
      await first;
      await expect(engine.runScript({ file: "no-such-file.js" })).rejects.toMatchObject({ code: "ENOENT" });
      expect(await run("export default 1")).toMatchObject({ ok: true });
    }));
});
