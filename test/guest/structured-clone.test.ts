import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectSame } from "./compare.ts";
import { createGuest, type Guest } from "./guest-harness.ts";

let guest: Guest;
beforeAll(async () => {
  guest = await createGuest();
});
afterAll(() => guest.close());

/** A text that tells classes, keys, holes and shared objects apart. */
const DESCRIBE = `const describe = (value, seen = new Map()) => {
  if (typeof value !== "object" || value === null) return typeof value + String(Object.is(value, -0) ? "-0" : value);
  if (seen.has(value)) return "#" + seen.get(value);
  seen.set(value, seen.size);
  const tag = Object.prototype.toString.call(value) + (Object.getPrototypeOf(value)?.constructor?.name);
  const own = Reflect.ownKeys(value).filter((k) => k !== "stack").map((k) => {
    const d = Object.getOwnPropertyDescriptor(value, k);
    return String(k) + (d.enumerable ? "" : "!") + ("get" in d ? "get" : ":" + describe(d.value, seen));
  });
  let inner = "";
  if (value instanceof Map) inner = [...value].map(([k, v]) => describe(k, seen) + "=>" + describe(v, seen));
  if (value instanceof Set) inner = [...value].map((v) => describe(v, seen));
  if (value instanceof Date) inner = value.getTime();
  if (value instanceof RegExp) inner = value + " " + value.lastIndex;
  if (value instanceof ArrayBuffer) inner = [...new Uint8Array(value)];
  if (ArrayBuffer.isView(value)) inner = [value.byteOffset, value.byteLength, describe(value.buffer, seen)];
  if (value instanceof Number || value instanceof String || value instanceof Boolean) inner = value.valueOf();
  return tag + "{" + own + "}" + inner;
};`;

describe("structuredClone()", () => {
  it.each([
    `[1, "a", true, null, undefined, -0, NaN, 10n]`,
    `{ a: { b: [1, , 3] }, "x y": 1, 5: 6 }`,
    `Object.assign([1, 2, , ], { extra: 1 })`,
    `(() => { const a = { list: [] }; a.self = a; a.list.push(a, a.list); return a })()`,
    `(() => { const shared = { x: 1 }; return [shared, shared] })()`,
    `new Date(5), new Date(NaN)`,
    `[new Date(5), new Date(NaN), /a\\/b/gi, Object.assign(/x/g, { lastIndex: 3 })]`,
    `(() => { const m = new Map([[{ k: 1 }, new Set([1, { y: 2 }])]]); m.set("self", m); return m })()`,
    `[new Number(1), new String("ab"), new Boolean(false), Object(5n)]`,
    `(() => { const b = new Uint8Array([1, 2, 3, 4]).buffer; return [b, new Uint8Array(b, 1, 2), new DataView(b, 2), new Int16Array(b)] })()`,
    `[new Float64Array([1.5]), new BigInt64Array([5n]), new Uint8ClampedArray([300])]`,
    `new Error("m")`,
    `[new TypeError("t"), new RangeError("r", { cause: { a: 1 } }), new AggregateError([1], "agg")]`,
    `Object.assign(new Error("m"), { name: "Custom", code: 5 })`,
    `new (class A { x = 1; get y() { return 2 } })()`,
    `{ get a() { return 1 } }`,
    `Object.create({ inherited: 1 }, { own: { value: 1, enumerable: true }, hidden: { value: 2 } })`,
    `Object.assign(Object.create(null), { a: 1 })`,
    `{ [Symbol("s")]: 1, b: 2 }`,
    `{ __proto__: null, ["__proto__"]: 1 }`,
    `new DOMException("m", "AbortError").name`,
    `"primitive"`,
    `(function () { return arguments })(1, 2)`,
    `() => {}`,
    `class {}`,
    `Symbol("x")`,
    `{ a: { f() {} } }`,
    `Promise.resolve()`,
    `new WeakMap()`,
    `new WeakSet()`,
    `(function* () {})()`,
    `new Map().keys()`,
    `new Map([[Symbol("x"), 1]])`,
    `new URL("http://a/")`,
    `{ get a() { throw new RangeError("getter") } }`,
    `Object(Symbol("s"))`,
  ])("copies as Node's does: %s", async (source) => {
    await expectSame(guest, `${DESCRIBE} return describe(structuredClone(${source}))`);
  });

  it.each([
    `const b = new Uint8Array([1, 2]).buffer; const c = structuredClone({ b, v: new Uint8Array(b) }, { transfer: [b] });
     return [b.byteLength, b.detached, c.b.byteLength, c.v.buffer === c.b, [...c.v]]`,
    `const b = new ArrayBuffer(2); structuredClone(1, { transfer: [b] }); return b.detached`,
    `const b = new ArrayBuffer(2); try { structuredClone({ b, f() {} }, { transfer: [b] }) } catch (e) { return [e.name, b.detached] }`,
    `const b = new ArrayBuffer(2); return structuredClone(b, { transfer: [b, b] })`,
    `return structuredClone({}, { transfer: [{}] })`,
    `const b = new ArrayBuffer(2); b.transfer(); return structuredClone(b, { transfer: [b] })`,
    `const b = new ArrayBuffer(2); b.transfer(); return structuredClone(b)`,
    `return structuredClone()`,
    `return structuredClone(1, { transfer: undefined })`,
  ])("transfers as Node's does: %s", async (code) => {
    // Node gives its argument errors codes of its own; the class is what the platform promises.
    await expectSame(guest, `try { return await (async () => { ${code} })() } catch (e) { return e.name }`);
  });

  it.each([
    `new Event("x")`,
    `new EventTarget()`,
    `AbortSignal.abort()`,
    `new URL("http://a/")`,
    `new URLSearchParams()`,
  ])("refuses an object of the platform: %s", async (source) => {
    expect(await guest.run(`try { structuredClone([${source}]) } catch (e) { e.name }`)).toBe("DataCloneError");
  });

  it("keeps the stack of an error, and its class", async () => {
    const code = `const e = new TypeError("t"); const c = structuredClone(e); return [c instanceof TypeError, c !== e, c.stack === e.stack]`;
    expect(await expectSame(guest, code)).toBe("true,true,true");
  });
});
