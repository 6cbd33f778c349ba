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
