import { describe, expect, it } from "vitest";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { withSession } from "./session-fixture.ts";

describe.each(ISOLATIONS)("engine.session() with isolation by %s", (isolation) => {
  it("keeps what a run declares for those after it", () =>
    withSession({ isolation }, async ({ value }) => {
      await value(
        "const x = 1; let y = 2; var z = 3; function f() { return x + y + z } class A { m() { return f() } }",
      );
      expect(await value("x + y + z + f() + new A().m()")).toBe(18);
      expect(await value("y = 10; f()")).toBe(14);
    }));

  it("gives what code returns at its top level, and keeps what that declares", () =>
    withSession({ isolation }, async ({ value }) => {
      expect(await value("const five = 5; return five")).toBe(5);
      expect(await value("for (const n of [1, 2, 3]) if (n > 1) return n; else five")).toBe(2);
      expect(await value("if (five) { return (() => { return five + 1 })() }\n7")).toBe(6);
      expect(await value("const six: number = 6\nreturn await Promise.resolve(six as number)")).toBe(6);
      expect(await value("return")).toBeUndefined();
    }));

  it("gives each run that has an input that input", () =>
    withSession({ isolation, session: { input: "first" } }, async ({ session, value }) => {
      expect(await value("input()")).toBe("first");
      expect((await session.run("input()", { input: "second" })).value).toBe("second");
      expect(await value("input()")).toBe("second");
    }));

  it("lets a declaration take the place of an earlier one of any kind, for older functions too", () =>
    withSession({ isolation }, async ({ value }) => {
      const kinds = [
        (n: number) => `const it = () => ${n}`,
        (n: number) => `let it = () => ${n}`,
        (n: number) => `var it = () => ${n}`,
        (n: number) => `function it() { return ${n} }`,
        (n: number) => `class it { static [Symbol.toPrimitive]() { return ${n} } }; it = ((c) => () => +c)(it)`,
        (n: number) => `const { it } = await { it: () => ${n} }`,
        (n: number) => `await 0; function it() { return ${n} }`,
      ];
      await value("function asks() { return it() }");
      let n = 0;
      for (const first of kinds) {
        for (const second of kinds) {
          await value(first(++n));
          expect(await value("asks()")).toBe(n);
          await value(second(++n));
          expect([await value("it()"), await value("asks()")]).toEqual([n, n]);
        }
      }
    }));

  it("keeps constants constant, and says what is wrong as V8 does", () =>
    withSession({ isolation }, async ({ value, failure }) => {
      await value("const fixed = 1");
      expect(await failure("fixed = 2")).toBe("TypeError: Assignment to constant variable.");
      expect(await failure("fixed++")).toBe("TypeError: Assignment to constant variable.");
      expect(await value("fixed")).toBe(1);
      expect(await failure("early; let early = 1")).toBe("ReferenceError: Cannot access 'early' before initialization");
      expect(await failure("let twice = 1; let twice = 2")).toMatch(
        /^SyntaxError: Identifier 'twice' has already been declared \[session-\d+\.js:1:20\]$/,
      );
      expect(await failure("nowhere")).toBe("ReferenceError: nowhere is not defined");
    }));

  it("destructures, with defaults, rests and names that are computed", () =>
    withSession({ isolation }, async ({ value }) => {
      await value("const { a, b: [c, ...d], e = 5, ['f' + 1]: g, ...h } = { a: 1, b: [2, 3, 4], f1: 6, i: 7 }");
      expect(await value("({ a, c, d, e, g, h })")).toEqual({ a: 1, c: 2, d: [3, 4], e: 5, g: 6, h: { i: 7 } });
      await value("let [p, , q = await 3] = [1, 2]");
      expect(await value("[p, q]")).toEqual([1, 3]);
    }));

  it("awaits at the top level, in loops and in declarations", () =>
    withSession({ isolation }, async ({ value }) => {
      expect(await value("const w = await Promise.resolve(1); w + 1")).toBe(2);
      expect(await value("let sum = 0; for await (const n of [w, Promise.resolve(2)]) sum += n; sum")).toBe(3);
      expect(
        await value("if (await true) { var inner = 4 } else { var other = 5 }\nfor (var i = 0; i < 3; i++) await i"),
      ).toBe(undefined);
      expect(await value("[inner, other, i]")).toEqual([4, undefined, 3]);
      expect(await value("for (var k of await [1, 2]) ;\nfor (var key in { a: 1 }) ;\n[k, key]")).toEqual([2, "a"]);
      expect(await value("await 0; function late() { return early2() } function early2() { return w } late()")).toBe(1);
      expect(await value("await 0\nclass B { static n = 1 }\nB.n")).toBe(1);
      expect(await value("Promise.resolve([1])")).toEqual([1]);
    }));

  it("gives the value that V8 gives a script, and that of an object where it can be one", () =>
    withSession({ isolation }, async ({ value }) => {
      const values: [code: string, value: unknown][] = [
        ["1; 2", 2],
        ["7; const none = 1", 7],
        ["if (true) { 5 }", 5],
        ["for (const n of [1, 2, 3]) n * 2", 6],
        ["try { 1 } finally { 2 }", 1],
        ["", undefined],
        ["// a comment", undefined],
        ["5 // with a comment", 5],
        ["5 /* at\nthe end */", 5],
        ["await 5 // with a comment", 5],
        ["{ a: 1 }", { a: 1 }],
        ["{ a: 1 };", 1],
        ["{}", {}],
        ["{ let inner = 3; inner }", 3],
        ['"use strict"', "use strict"],
        ['"use strict"; undeclared = 4', 4],
        ['"a"\n"b"', "b"],
        ["export default 8", 8],
        ["await 1; export default { b: 2 }", { b: 2 }],
        ["export const shown = 9; shown", 9],
        ["#!/usr/bin/env geppetto-js\n3", 3],
        ["label: for (;;) { break label }", undefined],
        ["(function () { return typeof this })()", "object"],
      ];
      for (const [code, wanted] of values) expect([code, await value(code)]).toEqual([code, wanted]);
    }));

  it("ends statements where JavaScript does, whatever stands in their place", () =>
    withSession({ isolation }, async ({ value, output }) => {
      await value("function noted(x) { console.log(x); return noted }");
      await value(
        "noted(1)\nconst a1 = await 2\nnoted(a1)\nvar b1\nnoted(b1)\nlet c1\nnoted(c1)\nclass D1 {}\nnoted(3)",
      );
      await value("noted(4)\nconst e1 = 5\n;[6].forEach(noted)\nclass F1 {}\n[7].forEach(noted)\nlet g1\n;(noted)(8)");
      await value("await 0; noted(9)\nlet h1\n(noted)(10)");
      await value("if (await 1) var i1 = 11; else noted(0)\nif (!i1) noted(0)\nelse noted(i1)");
      await value("await 0; for (const x of [12]) var j1 = x\nnoted(j1)");
      await value("await 0; do var k1 = 13; while (false)\nnoted(k1)");
      expect(output.lines.join(" ")).toBe("1 2 undefined undefined 3 4 6 7 8 9 10 11 12 13");
    }));

  it("runs TypeScript", () =>
    withSession({ isolation }, async ({ value, session }) => {
      await value(
        "interface Point { x: number; y: number }\nconst origin: Point = { x: 0, y: 0 };\ntype Named<T> = T & { name: string };",
      );
      await value(
        "function move<T extends { x: number }>(point: T, by = 1): T { return { ...point, x: point.x + by } }",
      );
      expect(await value("move(origin, 2) satisfies object")).toEqual({ x: 2, y: 0 });
      await value(
        "enum Color { Red, Green = 'green' }\nabstract class Shape { constructor(private readonly sides: number) {} get count() { return this.sides } }",
      );
      expect(
        await value(
          "class Square extends Shape { constructor() { super(4) } }\n[Color.Red, Color.Green, new Square().count]",
        ),
      ).toEqual([0, "green", 4]);
      expect(await value("const typed: number = await Promise.resolve(3 as number); typed!")).toBe(3);
      const failed = await session.run(
        "function fails(x: number): never {\n  throw new RangeError(`no ${x}`);\n}\n\nfails(1 as number)",
      );
      expect(failed.place).toEqual({ file: failed.name, line: 2, column: 9 });
      expect(failed.error?.stack).toContain(`${failed.name}:5:1`);
    }));

  it("keeps itself and what was declared before an error", () =>
    withSession({ isolation }, async ({ value, failure, session }) => {
      expect(await failure("const kept = 1; throw new Error('here'); const lost = 2")).toBe("Error: here");
      expect(await value("kept")).toBe(1);
      expect(await failure("lost")).toBe("ReferenceError: lost is not defined");
      expect(await failure("const kept = null.x")).toContain("TypeError");
      expect(await value("kept")).toBe(1);
      const again = await session.run("function deep() { kept.no.no }\ndeep()");
      expect(again).toMatchObject({ ok: false, end: "uncaught", place: { line: 1, column: 27 } });
      // Where it is, whatever ran since.
      const later = await session.run("\n\nawait 1\ndeep()");
      expect(later.place).toEqual({ file: again.name, line: 1, column: 27 });
      expect(later.error?.stack).toContain(`${later.name}:4:1`);
    }));

  it("says where code does not parse, and whether more of it may follow", () =>
    withSession({ isolation }, async ({ session }) => {
      for (const code of [
        "f(",
        "const x = {",
        "`a",
        "/* a",
        "if (x)",
        "class A {",
        "const a: { b: ",
        "interface A {",
        "async () =>",
        '"a\\',
      ]) {
        expect([code, await session.run(code)]).toMatchObject([code, { end: "load", isIncomplete: true }]);
      }
      for (const code of ["x = )", "}", "'a", "let 1", "const a: number = 5 +* 3", "foo bar"]) {
        const outcome = await session.run(code);
        expect([code, outcome]).toMatchObject([
          code,
          { end: "load", error: { name: "SyntaxError", code: "ERR_SCRIPT_LOAD" } },
        ]);
        expect(outcome.isIncomplete).toBe(undefined);
        expect(outcome.place).toMatchObject({ file: outcome.name, line: 1 });
      }
    }));

  it("tells errors that nobody caught: those of the run, and to onError those between runs", async () => {
    const between: string[] = [];
    await withSession(
      { isolation, session: { onError: ({ message }) => void between.push(message) } },
      async ({ session }) => {
        const outcome = await session.run("void Promise.reject(new Error('own')); 5");
        expect(outcome).toMatchObject({
          ok: false,
          value: 5,
          error: { message: "own" },
          unhandledErrors: [{ message: "own" }],
        });
        await session.run("const timers = [setInterval(() => { throw new Error('timer') }, 1)]");
        await session.run("timers.push(setInterval(() => Promise.reject(new Error('late')), 1)); 0");
        await expect.poll(() => [...new Set(between)].toSorted()).toEqual(["late", "timer"]);
        await session.run("timers.forEach(clearInterval)");
        between.length = 0;
        // It may be quick.
        const { unhandledErrors = [] } = await session.run(
          "new ChatStepFactory().newStep().runWithEvents('error: 429', () => {}); 0",
        );
        await expect.poll(() => between.length + unhandledErrors.length).toBe(1);
        expect(between[0] ?? unhandledErrors[0]?.message).toContain("429");
      },
    );
  });

  it("says that code waits for nothing, and goes on", () =>
    withSession({ isolation }, async ({ session, value }) => {
      expect(await session.run("await new Promise(() => {})")).toMatchObject({ ok: false, end: "stalled" });
      expect(await session.run("new Promise(() => {})")).toMatchObject({ ok: false, end: "stalled" });
      expect(await value("1")).toBe(1);
    }));

  it("ends a run at done(), and itself at process.exit()", () =>
    withSession({ isolation }, async ({ session, value }) => {
      expect(await session.run("done(9); 3")).toMatchObject({ ok: true, end: "done", value: 9 });
      expect(await value("process.exitCode = 5; 1")).toBe(1);
      expect(session.exitCode).toBe(5);
      expect(await session.run("process.exit(3)")).toMatchObject({ end: "exit", exitCode: 3, isOver: true });
      expect(await session.run("1")).toMatchObject({ ok: false, end: "crashed", isOver: true });
      expect([session.exitCode, session.over?.code]).toEqual([3, "ERR_ENGINE_CLOSED"]);
    }));

  it("runs one code at a time, and takes away what it has declared when it is closed", async () => {
    await withSession({ isolation }, async ({ session }) => {
      const first = session.run("const x = await new Promise((done) => setTimeout(() => done(1), 5)); x");
      await expect(session.run("2")).rejects.toThrow("Cannot run code: the session runs some already");
      await expect(session.run(5 as never)).rejects.toThrow("Cannot run code: it must be a text");
      expect((await first).value).toBe(1);
      await session.run("setInterval(() => {}, 1)");
      await session.close();
      await session.close();
      await expect(session.run("x")).rejects.toThrow("Cannot run code: the session is closed");
    });
  });
});
