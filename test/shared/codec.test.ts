import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { encodeValue } from "../../src/shared/codec.ts";
import { decodeValue } from "../../src/shared/decode.ts";

class Point {
  x = 1;
  #hidden = 2;
  get sum(): number {
    return this.x + this.#hidden;
  }
}

class Money {
  toJSON(): unknown {
    return { cents: 5 };
  }
}

class Series extends Array<number> {
  toJSON(): string {
    return "a series";
  }
}

const row = (id: number): object => ({
  id,
  name: `row ${id}`,
  tags: ["a", "b"],
  address: { city: "Bern", open: true },
});
const frozen = Object.freeze({ list: Object.freeze([1, undefined, 2]) });

const VALUES: Record<string, unknown> = {
  "plain rows": Array.from({ length: 100 }, (_, id) => row(id)),
  "rows of which one holds a date": Array.from({ length: 40 }, (_, id) => (id === 33 ? { at: new Date(5) } : row(id))),
  "numbers that JSON lacks": [0, -0, NaN, Infinity, -Infinity, 1.5, 2 ** 60, 5n],
  "holes and undefined": Object.assign([] as unknown[], { 1: 1, 2: undefined, 3: { a: undefined, b: null } }),
  "what is frozen": frozen,
  "maps and sets": new Map<unknown, unknown>([[{ a: 1 }, new Set([[1, undefined]])]]),
  "typed arrays": [new Float32Array([1, NaN]), new Uint8Array(3)],
  "the key of tags": [{ $: "undefined" }, { a: { $: 1, b: [undefined] } }],
  "keys that are names of prototypes": JSON.parse('{"__proto__":{"a":1},"constructor":2,"toJSON":3}'),
  "objects of classes": [new Point(), new Money(), { inner: new Money() }],
  "lists of a class": [Series.from([1, 2])],
  "a toJSON of its own": [{ a: 1, toJSON: () => [1] }, Object.assign([1], { toJSON: () => 2 })],
  "objects without a prototype": Object.assign(Object.create(null), { a: [1], toJSON: () => "b" }),
  "boxed primitives": [new String("ab"), new Number(1), new Boolean(false)],
  "text that says it is JSON": (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON("17"),
  "errors with causes": new Error("a", { cause: [new TypeError("b")] }),
  "fields that are not enumerable": Object.defineProperty({ a: 1 }, "b", { value: 2 }),
  "functions and symbols": { a: () => {}, b: [Symbol("b"), 1], [Symbol("c")]: 1 },
  "one object in two places": (() => {
    const shared = { at: new Date(1) };
    return [shared, { shared }];
  })(),
};

describe("encodeValue()", () => {
  for (const [name, value] of Object.entries(VALUES)) {
    it(`makes the same text of ${name} whether they are trusted or not`, () => {
      const copied = encodeValue(value, { exotic: "omit" });
      expect(encodeValue(value, { exotic: "omit", isTrusted: true })).toBe(copied);
      expect(encodeValue(decodeValue(copied), { isTrusted: true })).toBe(encodeValue(decodeValue(copied)));
    });
  }

  it("changes nothing of a value that it need not copy", () => {
    const date = new Date(5);
    const list = [1, { a: { b: date }, c: undefined }, undefined];
    encodeValue(list, { isTrusted: true });
    expect(list).toStrictEqual([1, { a: { b: date }, c: undefined }, undefined]);
    expect((list[1] as { a: { b: Date } }).a.b).toBe(date);
  });

  it("calls no toJSON that somebody has put on the prototype of all objects or lists", () => {
    const value = { a: [{ b: 1 }] };
    let text: string;
    try {
      for (const prototype of [Object.prototype, Array.prototype])
        Object.defineProperty(prototype, "toJSON", { value: () => "planted", configurable: true });
      text = encodeValue(value, { isTrusted: true });
    } finally {
      for (const prototype of [Object.prototype, Array.prototype]) Reflect.deleteProperty(prototype, "toJSON");
    }
    expect(text).toBe('{"a":[{"b":1}]}');
    expect(Object.hasOwn(value, "toJSON")).toBe(false);
  });

  it("leaves out fields that somebody has put on the prototype of all objects", () => {
    const texts: string[] = [];
    try {
      Reflect.defineProperty(Object.prototype, "planted", { value: 1, enumerable: true, configurable: true });
      texts.push(encodeValue({ a: { b: 1 } }), encodeValue({ a: { b: 1 } }, { isTrusted: true }));
    } finally {
      Reflect.deleteProperty(Object.prototype, "planted");
    }
    expect(texts).toStrictEqual(['{"a":{"b":1}}', '{"a":{"b":1}}']);
  });

  it("reads each field of what a script may have in its hands once", () => {
    let reads = 0;
    const value = {
      get a(): number {
        return ++reads;
      },
    };
    expect(encodeValue([value])).toBe('[{"a":1}]');
    expect(reads).toBe(1);
  });

  it("refuses what refers to itself, and names its place, trusted or not", () => {
    const value: { list: unknown[] } = { list: [1] };
    value.list.push(value);
    for (const isTrusted of [false, true])
      expect(() => encodeValue(value, { isTrusted })).toThrow('Cannot copy a value that refers to itself at "list[1]"');
  });

  it("carries buffers, and what is in objects that are made of a primitive", () => {
    const bytes = new Uint8Array([1, 2, 255]).buffer;
    const value = [bytes, new ArrayBuffer(0), Object(1), Object("ab"), Object(false), Object(5n)];
    const read = [bytes, new ArrayBuffer(0), 1, "ab", false, 5n];
    expect(decodeValue(encodeValue(value))).toStrictEqual(read);
    const buffers: ArrayBuffer[] = [];
    const text = encodeValue(value, { buffers, isTrusted: true });
    expect(buffers.map((buffer) => buffer.byteLength)).toStrictEqual([3, 0]);
    expect(decodeValue(text, buffers)).toStrictEqual(read);
  });

  it.each<[string, object]>([
    ["a RegExp", /a/],
    ["a DataView", new DataView(new ArrayBuffer(8))],
    ["a Promise", Promise.resolve(1)],
    ["a WeakMap", new WeakMap()],
    ["a Generator", (function* () {})()],
    ["an Array Iterator", [1].values()],
    ["an AbortSignal", new AbortController().signal],
    ["a URLSearchParams", new URLSearchParams("a=1")],
    ["a Symbol", Object(Symbol("a")) as object],
    ["a BigInt64Array", new BigInt64Array(1)],
  ])("refuses %s by its name and place rather than to make an empty object of it", (name, value) => {
    for (const isTrusted of [false, true])
      expect(() => encodeValue({ list: [value] }, { isTrusted })).toThrow(`Cannot copy ${name} at "list[0]"`);
  });

  it("leaves such a thing empty, as JSON does, where functions are left out", () => {
    expect(encodeValue({ a: /a/, b: () => 1 }, { exotic: "omit" })).toBe('{"a":{}}');
  });

  it("copies objects of classes that have no fields, of this realm or another one", () => {
    class Ping {
      get sum(): number {
        return 1;
      }
    }
    const foreign: unknown = runInNewContext("({})");
    expect(encodeValue([new Ping(), foreign, Object.create(null)])).toBe("[{},{},{}]");
  });

  it("refuses bytes that have been given away", () => {
    const view = new Uint8Array(4);
    const { buffer } = view;
    buffer.transfer();
    expect(() => encodeValue([buffer])).toThrow('Cannot copy a detached ArrayBuffer at "[0]"');
    expect(() => encodeValue([view], { buffers: [] })).toThrow('Cannot copy a detached Uint8Array at "[0]"');
  });
});

describe("decodeValue()", () => {
  it("finds a tag after texts with a dollar sign", () => {
    expect(decodeValue('["$1","a$",{"$":"undefined"}]')).toStrictEqual(["$1", "a$", undefined]);
    expect(decodeValue('["$","$$"]')).toStrictEqual(["$", "$$"]);
    expect(decodeValue('{"$":"number","v":"NaN"}')).toBe(NaN);
  });
});
