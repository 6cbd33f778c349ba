import { describe, expect, it } from "vitest";
import { allowedStallMs, measureLoad } from "../machine/parent-load.ts";
import { withSession } from "./session-fixture.ts";

describe("Hostile code in a session", () => {
  it("cannot break it by replacing what the language consists of", () =>
    withSession({}, async ({ session, value }) => {
      await session.run(`
        for (const object of [Object, Array, String, Promise, Map, Set, WeakMap, Function, RegExp, Error, Reflect, JSON, Symbol]) {
          for (const holder of [object, object.prototype]) {
            if (!holder) continue;
            for (const key of Reflect.ownKeys(holder)) {
              try { Object.defineProperty(holder, key, { value: () => { throw new Error("poisoned") } }) } catch {}
            }
          }
        }
        globalThis.eval = () => "evil";
        Object.prototype.then = (done) => done("evil");
        Object.prototype.get = () => "evil";
        globalThis.geppettoTick = globalThis.geppettoImport = globalThis.geppettoModules = "evil";
      `);
      expect((await session.run("const a = 1")).end).toBe("completed");
      expect(await value("a")).toBe(1);
      expect(await value("const { b } = { b: await 2 }")).toBe(undefined);
      expect(await value("b + 1")).toBe(3);
      expect(await session.complete([], "a")).toContain("a");
    }));

  it("cannot close it but for itself, by what it makes of the global object", () =>
    withSession({}, async ({ session, value }) => {
      await value("const before = 1");
      await value(
        "Object.defineProperty(globalThis, 'stuck', { get: () => { throw new Error('getter') }, configurable: false }); 0",
      );
      expect(await session.run("let stuck = 2")).toMatchObject({
        ok: false,
        error: { message: "Cannot redefine property: stuck" },
      });
      expect(await value("before")).toBe(1);
      await session.run("Object.freeze(globalThis)");
      expect(await session.run("const after = 1")).toMatchObject({ ok: false, error: { name: "TypeError" } });
      expect(await value("before")).toBe(1);
    }));

  it("cannot leave the function that awaits for it", () =>
    withSession({}, async ({ failure, value }) => {
      expect(await failure("await 1 }); globalThis.out = 1; (async () => {")).toContain("SyntaxError");
      expect(await failure("return 5 }); (() => {")).toContain("SyntaxError");
      expect(await failure("})(); (() => {")).toContain("SyntaxError");
      expect(await value("typeof out")).toBe("undefined");
      expect(await value("'//# sourceURL=evil'\n//# sourceURL=file:///evil.js")).toBe("//# sourceURL=evil");
      expect(await value("await 2 //")).toBe(2);
      expect(await value("await 3 /*\n*/ // `")).toBe(3);
    }));

  it("is refused where it is too large, and costs its host little where it is hard to read", async () => {
    await withSession({}, async ({ session, value }) => {
      await value("const kept = 1");
      const large = await session.run(`"${"x".repeat(1_000_000)}"`);
      expect(large).toMatchObject({ end: "load", error: { name: "LimitError", code: "ERR_LIMIT_IMPORT" } });
      const hard: [what: string, code: string][] = [
        ["many names", Array.from({ length: 60_000 }, (_, i) => `let a${i}=${i};`).join("")],
        ["many functions", `await 0;${"function f(){}\n".repeat(40_000)}`],
        ["deep brackets", "(".repeat(200_000)],
        ["deep brackets that close", `${"[".repeat(50_000)}${"]".repeat(50_000)}`],
        ["deep types", `let x: ${"Array<".repeat(20_000)}string${">".repeat(20_000)}`],
        ["deep templates", "`${".repeat(50_000)],
        ["a long chain", `1${"+1".repeat(200_000)}`],
        ["many loops", "for(;;)".repeat(5_000)],
      ];
      for (const [what, code] of hard) {
        const { result, stallMs } = await measureLoad(() => session.run(code, { limits: { wallMs: 60_000 } }));
        expect([what, result.isOver, stallMs < allowedStallMs()]).toEqual([what, undefined, true]);
      }
      expect(await value("kept")).toBe(1);
    });
  });

  it("gets nothing by a name that the session uses itself", () =>
    withSession({ session: { keepsLast: true } }, async ({ session, value }) => {
      await value("const constructor = 1, hasOwnProperty = 2, toString = 3, __proto__x = 4, valueOf = 5");
      expect(await value("[constructor, hasOwnProperty, toString, valueOf]")).toEqual([1, 2, 3, 5]);
      expect(await value("const undefinedx = 1; let NaN2 = 2; NaN2")).toBe(2);
      expect((await session.run("let undefined = 1")).ok).toBe(false);
      await value("function eval2() {} var arguments2; const Object = 7, Promise = 8, globalThis2 = 9");
      expect(await value("await 1; const Array = [Object, Promise]; Array")).toEqual([7, 8]);
      expect(await value("_")).toEqual([7, 8]);
      expect(await value("let _ = 5; _ + 1")).toBe(6);
      expect(await value("7; _")).toBe(5);
      expect(await value("8")).toBe(8);
      expect(await value("_")).toBe(5);
    }));
});
