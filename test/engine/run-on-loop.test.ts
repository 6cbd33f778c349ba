import { describe, expect, it } from "vitest";
import { RuntimeEngine, type ScriptError, type Vm } from "../../src/index.ts";
import { ISOLATIONS, Output, withEngine } from "./engine-harness.ts";

describe.each(ISOLATIONS)("runOnLoop() in a %s", (isolation) => {
  it("keeps vars and functions, copies values and awaits promises", () =>
    withEngine({ isolation }, async ({ engine }) => {
      expect(await engine.runOnLoop("var n = 1; function next() { return ++n }")).toBeUndefined();
      expect(await engine.runOnLoop("next() + next()")).toBe(5);
      expect(
        await engine.runOnLoop("new Promise((resolve) => setTimeout(() => resolve(new Map([[n, { n }]])), 5))"),
      ).toEqual(new Map([[3, { n: 3 }]]));
      expect(
        await Promise.all([engine.runOnLoop("'a'"), engine.runOnLoop("Promise.resolve('b')"), engine.runOnLoop("'c'")]),
      ).toEqual(["a", "b", "c"]);
    }));

  it("runs what is called without waiting in order", () =>
    withEngine({ isolation }, async ({ engine }) => {
      await engine.runOnLoop("var list = []");
      const filler = `/* ${"x".repeat(200_000)} */`;
      await Promise.all(
        ["1", `${filler}; 2`, "3", "4"].map((code) => engine.runOnLoop(code.replace(/\d$/, "list.push($&)"))),
      );
      expect(await engine.runOnLoop("list")).toEqual([1, 2, 3, 4]);
    }));

  it("rejects with what the code throws, rejects or cannot be parsed for, and goes on", () =>
    withEngine({ isolation }, async ({ engine }) => {
      await expect(engine.runOnLoop("throw new RangeError('bad')")).rejects.toMatchObject({
        name: "RangeError",
        message: "bad",
      });
      await expect(engine.runOnLoop("Promise.reject(new RangeError('bad'))")).rejects.toMatchObject({
        name: "RangeError",
      });
      await expect(
        engine.runOnLoop("(async () => { await new Promise((r) => setTimeout(r, 1)); throw new TypeError('late') })()"),
      ).rejects.toMatchObject({
        name: "TypeError",
        stack: expect.stringMatching(/^TypeError: late\n {4}at file:\/\/\/loop\.js:1:\d+$/) as string,
      });
      await expect(engine.runOnLoop("let a = ;")).rejects.toThrow("loop.js:1:9");
      await expect(engine.runOnLoop("() => 1")).resolves.toBeUndefined();
      await expect(engine.runOnLoop("throw null")).rejects.toThrow("null");
      expect(await engine.runOnLoop("1 + 1")).toBe(2);
    }));

  it("reports what nobody catches later to onGuestError, and all else goes on", () => {
    const errors: ScriptError[] = [];
    return withEngine({ isolation, onGuestError: (error) => void errors.push(error) }, async ({ engine, output }) => {
      await engine.runOnLoop(`
        setTimeout(() => { throw new RangeError("timer") }, 1);
        setTimeout(() => { Promise.reject(new TypeError("rejection")) }, 2);
        doubleStep.runWithEvents(1, () => { throw new SyntaxError("callback") });
        doubleStep.runWithEvents("x", () => {});
        setTimeout(() => console.log("on"), 30); 0`);
      await expect.poll(() => output.lines).toEqual(["on"]);
      const seen = errors.map(({ name, message, fromHost }) => `${name} ${message} ${fromHost}`).toSorted();
      const callback = "SyntaxError callback false";
      expect(seen).toEqual(["RangeError timer false", callback, callback, "TypeError rejection false"]);
      expect(await engine.runOnLoop("1")).toBe(1);
    });
  });
});

describe.each(ISOLATIONS)("a rejection that nobody handles in the turn of runOnLoop() in a %s", (isolation) => {
  it.each<[string, unknown, string[]]>([
    ["Promise.reject(new TypeError('lost')); 1 + 1", 2, ["TypeError lost"]],
    ["(async () => { throw new RangeError('lost') })(); ({ a: [1] }) // done", { a: [1] }, ["RangeError lost"]],
    [
      "var later = Promise.reject(new Error('early')); setTimeout(() => later.catch(() => {}), 1); 'on'",
      "on",
      ["Error early"],
    ],
    ["Promise.reject(new Error('lost')); (async () => 'value')()", "value", ["Error lost"]],
    ["Promise.reject(new Error('lost')); 5; function f() {}", 5, ["Error lost"]],
    ["var lost = Promise.reject(new Error('lost')); let l = 1", undefined, ["Error lost"]],
    ["queueMicrotask(() => { throw new Error('micro') }); 3", 3, ["Error micro"]],
    ["Promise.reject(new Error('handled')).catch(() => {}); 4", 4, []],
  ])("is told to onGuestError, and the call has its value: %s", (code, value, told) => {
    const errors: string[] = [];
    const onGuestError = ({ name, message }: ScriptError): void => void errors.push(`${name} ${message}`);
    return withEngine({ isolation, onGuestError }, async ({ engine }) => {
      expect(await engine.runOnLoop(code)).toEqual(value);
      await expect.poll(() => errors).toEqual(told);
      expect(await engine.runOnLoop("Object.getOwnPropertyNames(globalThis).includes('geppettoLastValue')")).toBe(true);
      expect(await engine.runOnLoop("if (true) 'geppettoLastValue' in globalThis")).toBe(false);
      // One of them sets a timer, which the calls do not wait for.
      await expect.poll(() => engine.stats().timers).toBe(0);
    });
  });

  it.each([
    "Promise.reject(new Error('mine'))",
    "(async () => { throw new Error('mine') })()",
    "throw new Error('mine')",
    "1; (() => { throw new Error('mine') })()",
    "Promise.resolve().then(() => { throw new Error('mine') })",
  ])("that is the value of the call rejects it, and is told to nobody else: %s", (code) => {
    const errors: ScriptError[] = [];
    return withEngine({ isolation, onGuestError: (error) => void errors.push(error) }, async ({ engine }) => {
      await expect(engine.runOnLoop(code)).rejects.toThrow("mine");
      expect(await engine.runOnLoop("1")).toBe(1);
      expect(errors).toEqual([]);
    });
  });

  it("changes nothing of what code without one gives", () =>
    withEngine({ isolation }, async ({ engine }) => {
      const codes: [string, unknown][] = [
        ["1;\n// a comment", 1],
        ["1 // a comment", 1],
        ["/* a */ (2) /* b */;", 2],
        ["'use strict'", "use strict"],
        ["'use strict'; typeof undeclared", "undefined"],
        ["1, 2", 2],
        ["`a${1}`", "a1"],
        ["({})", {}],
        ["{}", undefined],
        ["", undefined],
        ["if (true) 7", 7],
        ["for (var i = 0; i < 3; i++) i", 2],
        ["8; var v = 9", 8],
        ["let l = 10; const c = 11; class C {}", undefined],
        ["l + c", 21],
        ["a = b = 5", 5],
        ["label: 6", 6],
        ["#!/usr/bin/env node\n12", 12],
        ["(async () => 13)()", 13],
        ["this === globalThis", true],
        ["'geppetto: the code has not come to its end'", "geppetto: the code has not come to its end"],
      ];
      for (const [code, value] of codes) expect([code, await engine.runOnLoop(code)]).toEqual([code, value]);
      await expect(engine.runOnLoop("1 +")).rejects.toThrow("Unexpected end of input");
      await expect(engine.runOnLoop("1); (2")).rejects.toThrow("Unexpected token");
    }));
});

describe.each(ISOLATIONS)("runOnLoop() in a %s whose memory runs out", (isolation) => {
  it("rejects what still waits when the realm is lost in a later turn", async () => {
    const engine = new RuntimeEngine({ isolation, limits: { memoryMB: 16 }, logger: { warn() {}, error() {} } });
    await engine.start();
    const waiting = engine.runOnLoop(
      "new Promise(() => setTimeout(() => { const a = []; for (;;) a.push('x'.repeat(1000) + a.length); }, 5))",
    );
    await expect(waiting).rejects.toMatchObject({ code: "ERR_LIMIT_MEMORY" });
    await expect(engine.runOnLoop("1")).rejects.toMatchObject({ code: "ERR_LIMIT_MEMORY" });
    await engine.close();
    if (isolation === "thread") await new Promise((resolve) => setTimeout(resolve, 500));
  });
});

describe("several engines", () => {
  it("live side by side and share nothing", async () => {
    const outputs = Array.from({ length: 6 }, () => new Output());
    const engines = outputs.map(
      (console, i) =>
        new RuntimeEngine({ console, isolation: ISOLATIONS[i % 2]!, setup: [(vm: Vm) => vm.set("id", i)] }),
    );
    await Promise.all(engines.map((engine) => engine.start()));
    const outcomes = await Promise.all(
      engines.map((engine) =>
        engine.runScript({
          code: "globalThis.mine = (globalThis.mine ?? []).concat(id); await new Promise((r) => setTimeout(r, 10)); console.log(id); export default mine",
        }),
      ),
    );
    expect(outcomes.map(({ value }) => value)).toEqual(engines.map((_, i) => [i]));
    expect(outputs.map(({ out }) => out)).toEqual(engines.map((_, i) => `${i}\n`));
    await engines[0]!.close();
    expect(await engines[2]!.runOnLoop("id")).toBe(2);
    await Promise.all(engines.map((engine) => engine.close()));
  });

  it("are closed by await using, also when the block throws", async () => {
    let inner: RuntimeEngine | undefined;
    const use = async (): Promise<void> => {
      await using engine = new RuntimeEngine({ isolation: "thread" });
      inner = engine;
      await engine.start();
      throw new Error("out");
    };
    await expect(use()).rejects.toThrow("out");
    await expect(inner!.runOnLoop("1")).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED" });
  });
});
