import { format, inspect } from "node:util";
import vm from "node:vm";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGuest, type Guest } from "./guest-harness.ts";

let guest: Guest;
beforeAll(async () => {
  guest = await createGuest();
});
afterAll(() => guest.close());

/** Arguments of console.log, as source text: evaluated here and in the guest. */
const CASES = [
  `"a string"`,
  `"%s is %d years and %i, %f", "Bob", 42.5, 42.9, "1.50"`,
  `"%o %O %j", { a: [1] }, { a: { b: { c: {} } } }, { a: 1 }`,
  `"100%", 5`,
  `"%% %s", "x"`,
  `"%%"`,
  `"%c styled", "color: red"`,
  `"%s", { toString() { return "own"; } }`,
  `"%s", { a: { b: 1 } }`,
  `"%s %s", null, undefined`,
  `"%s", Symbol("s")`,
  `"%s", 123n`,
  `"%s", -0`,
  `"%d", "0x10"`,
  `"%d", 5n`,
  `"%i", "12abc"`,
  `"%j", (() => { const a = {}; a.a = a; return a; })()`,
  `"%s", class A { constructor() { this.x = 1; } }`,
  `"%s", new (class A { toString() { return "an A"; } })()`,
  `"%s", [1, [2, [3]]]`,
  `"%s", new Date(0)`,
  `"%x %s", 1, 2`,
  `"a", "b", 3`,
  `1, -0, 1e21, NaN, 0.1, 123456789.123`,
  `1n, true, null, undefined, Symbol("x"), Symbol()`,
  `["it's", 'say "x"', \`both ' and "\`, "all ' \\" \`", "new\\nline", "tab\\t\\u0001\\u007f\\u009f"]`,
  `["\\ud800", "\\udc00x", "😀", "\\\\"]`,
  `{}`,
  `{ a: 1, "b-c": 2, 3: 4, [Symbol("k")]: 5, __proto__: null }`,
  `{ ["__proto__"]: 1 }`,
  `[]`,
  `[1, 2, 3]`,
  `[1, , 3, , , 6]`,
  `[, , ]`,
  `new Array(5)`,
  `Object.assign([1, 2], { x: 1, "y z": 2 })`,
  `Array.from({ length: 120 }, (_, i) => i)`,
  `Array.from({ length: 30 }, (_, i) => "item " + i)`,
  `Array.from({ length: 101 }, (_, i) => i * 1000)`,
  `[1.5, -2, 300000, 4, 5, 6, 7, 8]`,
  `[[1, 2, [3, 4, [5, [6]]]], { a: { b: { c: { d: 1 } } } }]`,
  `["a".repeat(30), "b".repeat(30), "c".repeat(30)]`,
  `{ text: "line one\\nline two which is rather long, so that it does not fit\\nline three" }`,
  `{ a: "x".repeat(100), b: 1 }`,
  `["x".repeat(12000)]`,
  `{ f() {}, g: () => {}, async h() {}, *i() {}, async *j() {}, k: class {}, l: class B extends Array {}, m: function named() {} }`,
  `Object.assign(function f() {}, { a: 1 })`,
  `class A { static x = 1 }`,
  `class A extends Map {}`,
  `(class { static name = "odd" })`,
  `Math.max`,
  `new (class Foo { a = 1; #b = 2 })()`,
  `new (class extends Array {})(3)`,
  `new (class Foo extends Map {})([[1, { a: 2 }]])`,
  `new (class Foo { get [Symbol.toStringTag]() { return "Tag"; } })()`,
  `{ get a() { return 1; }, set a(v) {}, get b() { return 1; }, set c(v) {} }`,
  `Object.create(null)`,
  `Object.create({})`,
  `Object.create(class Foo {}.prototype)`,
  `Object.create(Object.create(null))`,
  `new Map([["a", 1], [{ b: 2 }, new Map([[1, 2]])]])`,
  `new Set([1, "a", { b: 1 }, new Set()])`,
  `new Map()`,
  `new Set()`,
  `Object.assign(new Map([[1, 2]]), { extra: true })`,
  `new Set(Array.from({ length: 110 }, (_, i) => i))`,
  `new WeakMap()`,
  `new WeakSet()`,
  `new Date(0), [new Date(1e12)], new Date(NaN)`,
  `Object.assign(new Date(0), { a: 1 })`,
  `/a\\/b/gi, [/x/dgimsuy]`,
  `Object.assign(/x/, { a: 1 })`,
  `new Number(1), new String("abc"), new Boolean(false), Object(1n), Object(Symbol("s"))`,
  `Object.assign(new String("abc"), { x: 1 })`,
  `new Uint8Array([1, 2, 3]), new Float64Array(2), new BigInt64Array(1)`,
  `new Float32Array(Array.from({ length: 120 }, (_, i) => i / 2))`,
  `new Uint8Array(0)`,
  `new ArrayBuffer(4)`,
  `new ArrayBuffer(120)`,
  `new DataView(new ArrayBuffer(2))`,
  `(() => { const a = { x: 1 }; a.self = a; a.list = [a]; return a; })()`,
  `(() => { const a = {}; const b = { a }; a.b = b; return { a, b }; })()`,
  `(() => { const m = new Map(); m.set("m", m); return m; })()`,
  `(function () { return arguments; })(1, 2)`,
  `globalThis.Math`,
  `JSON`,
  `Reflect`,
  `(function* () {})()`,
  `Object.freeze({ a: 1 })`,
  `{ a: 1n, b: Symbol.iterator, c: undefined, d: null }`,
  `{ [Symbol.for("nodejs.util.inspect.custom")]() { return "custom\\ntext"; } }`,
  `{ x: { [Symbol.for("nodejs.util.inspect.custom")](d, o) { return "depth " + d + " " + o.depth; } } }`,
  `{ [Symbol.for("nodejs.util.inspect.custom")]() { return { other: 1 }; } }`,
  `{ aaaaaaaaaaaaaaaaaaaa: 1, bbbbbbbbbbbbbbbbbbbbbbbb: 2, cccccccccccccccccccccc: 3, ddddddddddd: 4 }`,
  `{ a: [{ b: { c: {} } }], d: new Map([[{ e: { f: 1 } }, { g: { h: 1 } }]]) }`,
  `[["a", 1], ["b", 2]], [{ id: 1, name: "one" }, { id: 2, name: "two" }]`,
  `["中文字", "日本", "a", "b", "c", "d", "e", "f"]`,
  `[undefined, null, , NaN]`,
  `[Symbol("a"), () => {}]`,
  `Object.defineProperty({ a: 1 }, "hidden", { value: 2 })`,
  `{ "": 1, "a b": 2, a1: 3, $d: 4, "é": 5 }`,
  `Object.assign(Object.create({ inherited: 1 }), { own: 2 })`,
  `[new Error("with no stack")].map((e) => { e.stack = "Error: with no stack"; return e; })`,
  `(() => { const e = new TypeError("t"); e.stack = "TypeError: t\\n    at here:1:1"; e.code = "E_X"; return e; })()`,
  `(() => { const e = new Error("t"); e.name = "MyError"; e.stack = "MyError: t\\n    at here:1:1"; return { e }; })()`,
  `(() => { class Bad extends Error {} const e = new Bad("t"); e.stack = "Error: t\\n    at here:1:1"; return e; })()`,
  `(() => { const e = new Error("o", { cause: new Error("i") }); e.stack = "Error: o\\n    at x:1:1"; e.cause.stack = "Error: i\\n    at y:1:1"; return e; })()`,
  `(() => { const e = new AggregateError([1, 2], "m"); e.stack = "AggregateError: m\\n    at x:1:1"; return e; })()`,
  `(() => { const e = new Error("m"); e.stack = undefined; return e; })()`,
  `(() => { const e = new Error("a\\nb"); e.stack = "Error: a\\nb\\n    at x:1:1"; return [e]; })()`,
  `(() => { const e = new Error(""); e.stack = "Error\\n    at x:1:1"; Object.setPrototypeOf(e, null); return e; })()`,
];

describe("console.log()", () => {
  it.each(CASES)("formats as Node does: %s", async (source) => {
    const args = `[${source}]`;
    const expected = format(...(vm.runInThisContext(`(${args})`) as [unknown, ...unknown[]]));
    guest.output.stdout = "";
    await guest.run(`console.log(...(${args})); ""`);
    expect(guest.output.stdout).toBe(`${expected}\n`);
  });
});

/** Any value that can be written as source text. */
const anything = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true,
  maxDepth: 4,
  size: "medium",
});

describe("inspection", () => {
  it("gives what Node gives for any value", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { minLength: 20, maxLength: 20 }), async (values) => {
        const source = `[${values.map((value) => `() => (${fc.stringify(value)})`).join()}]`;
        const made = vm.runInThisContext(source) as (() => unknown)[];
        guest.output.stdout = "";
        await guest.run(`for (const make of ${source}) { console.log("%O", make()); console.log(make()) } 0`);
        expect(guest.output.stdout).toBe(made.map((make) => `${format("%O", make())}\n${format(make())}\n`).join(""));
      }),
      { numRuns: 50 },
    );
  });
});

const TABLES = [
  `[{ a: 1, b: "x" }, { a: 2, c: true }]`,
  `[[1, 2], [3, 4, 5]]`,
  `[1, "two", null, undefined, { a: 1 }]`,
  `["apples", "oranges"]`,
  `{ first: { a: 1 }, second: { b: 2 } }`,
  `new Map([["k", { v: 1 }], [2, [1, 2]]])`,
  `new Set([1, { a: 1 }])`,
  `[{ a: 1, b: 2 }, { a: 3, b: 4 }], ["b"]`,
  `[{ a: 1 }, 5], ["a", "missing"]`,
  `[{ name: "中文", n: 1 }, { name: "x", n: -0 }]`,
  `[{ deep: { a: { b: 1 } }, list: [1, 2, 3, 4, 5], wide: { a: 1, b: 2, c: 3 } }]`,
  `[]`,
  `[[]]`,
  `"a string"`,
  `5`,
  `null`,
  `[new Map([[1, 2]]), new Date(0)]`,
  `[{ 2: "b", 1: "a" }, { x: () => {} }]`,
];

describe("console.table()", () => {
  it.each(TABLES)("draws what Node draws: %s", async (source) => {
    let expected = "";
    const { Console } = await import("node:console");
    const { Writable } = await import("node:stream");
    const stdout = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        expected += chunk.toString();
        done();
      },
    });
    const args = vm.runInThisContext(`[${source}]`) as [unknown, string[]];
    new Console({ stdout, colorMode: false }).table(...args);
    guest.output.stdout = "";
    await guest.run(`console.table(${source})`);
    expect(guest.output.stdout).toBe(expected);
  });
});

const DIRS = [
  [`{ a: { b: { c: { d: 1 } } } }`, `{ depth: 0 }`],
  [`{ a: { b: { c: { d: 1 } } } }`, `{ depth: null }`],
  [`{ a: 1 }`, `{ colors: true }`],
  [`[1.5, "s", null, undefined, true, Symbol("x"), 1n, new Date(0), () => {}]`, `{ colors: true }`],
  [`[1, 2, 3]`, `{ showHidden: true }`],
  [`new Map([[1, 2]])`, `{ showHidden: true }`],
  [`new (class A { get x() { return 1; } })()`, `{ showHidden: true }`],
  [`new Uint8Array(2)`, `{ showHidden: true }`],
  [`{ b: 1, a: 2, c: [3, 1, 2] }`, `{ sorted: true }`],
  [`{ get a() { return 1; }, get b() { return { c: 1 }; }, get d() { throw 5; } }`, `{ getters: true }`],
  [`{ a: 1234567.1234567, b: 123456789n, c: 1e21 }`, `{ numericSeparator: true }`],
  [`{ a: [1, 2, { b: 1 }], c: "text" }`, `{ compact: false }`],
  [`{ a: [1, 2, { b: 1 }], c: "text".repeat(30) }`, `{ compact: true }`],
  [`{ a: [1, 2, 3, 4], s: "abcdef" }`, `{ maxArrayLength: 2, maxStringLength: 3 }`],
  [`{ a: [1, 2, 3, 4], s: "abcdef" }`, `{ breakLength: 10 }`],
  [`{ a: { b: [1, 2, { c: 1 }] } }`, `{ breakLength: Infinity }`],
  [`{ [Symbol.for("nodejs.util.inspect.custom")]() { return "custom"; }, a: 1 }`, `{ showHidden: false }`],
] as const;

describe("console.dir()", () => {
  it.each(DIRS)("takes Node's options: %s %s", async (value, options) => {
    const [object, given] = vm.runInThisContext(`[${value}, ${options}]`) as [unknown, object];
    guest.output.stdout = "";
    await guest.run(`console.dir(${value}, ${options})`);
    expect(guest.output.stdout).toBe(`${inspect(object, { customInspect: false, ...given })}\n`);
  });
});
