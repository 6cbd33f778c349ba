import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGuest, type Guest } from "./guest-harness.ts";

let guest: Guest;
beforeEach(async () => {
  guest = await createGuest();
});
afterEach(() => guest.close());

/** Each replaces something that careless guest code would call, by a function that keeps a tally and throws. */
const POISONS: Record<string, string> = {
  "every method of the built-in prototypes": `
    const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
    const { ownKeys } = Reflect;
    const poison = (proto) => {
      const keys = ownKeys(proto);
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i];
        const descriptor = getOwnPropertyDescriptor(proto, key);
        if (key === "constructor" || !descriptor.configurable) continue;
        if (typeof descriptor.value === "function") defineProperty(proto, key, { value: trap });
        else if (descriptor.get) defineProperty(proto, key, { get: trap });
      }
    };
    const classes = [Map, Set, WeakMap, Uint8Array, ArrayBuffer, DataView, Number, RegExp, Promise, Date, Error, Symbol, BigInt, String, Function, Array];
    poison(getPrototypeOf(Uint8Array.prototype));
    for (let i = 0; i < classes.length; i++) poison(classes[i].prototype);`,
  "the iterators": `
    const iterator = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
    for (const it of [[][Symbol.iterator](), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](), ""[Symbol.iterator]()]) {
      Object.getPrototypeOf(it).next = trap;
    }
    Object.defineProperty(iterator, Symbol.iterator, { value: trap });
    Array.prototype[Symbol.iterator] = trap;`,
  "the functions of the namespaces": `
    for (const space of [JSON, Math, Reflect]) for (const key of Reflect.ownKeys(space)) {
      if (typeof space[key] === "function" && space !== Reflect) space[key] = trap;
    }
    const { ownKeys } = Reflect;
    for (const C of [Object, Array, String, Number, Promise, Symbol, Date]) for (const key of ownKeys(C)) {
      if (typeof C[key] === "function" && key !== "defineProperty" && key !== "prototype") try { C[key] = trap } catch {}
    }
    for (const key of ownKeys(Reflect)) if (typeof Reflect[key] === "function") Reflect[key] = trap;
    Object.defineProperty = trap;`,
  "setters and getters on Object.prototype and Array.prototype": `
    const { defineProperty } = Object;
    const accessor = { __proto__: null, get: trap, set: trap, configurable: true };
    for (let i = 0; i < 20; i++) defineProperty(Array.prototype, i, accessor);
    for (const key of ["toJSON", "then", "stream", "text", "url", "count", "cause"]) defineProperty(Object.prototype, key, accessor);
    defineProperty(Object.prototype, "get", { __proto__: null, value: trap, configurable: true, writable: true });`,
  "the globals themselves": `
    for (const key of Object.getOwnPropertyNames(globalThis)) {
      if (["globalThis", "undefined", "NaN", "Infinity", "console", "crypto", "performance", "trap", "calls", "Keep"].includes(key)) continue;
      if (/^(URL|URLSearchParams|TextEncoder|TextDecoder|atob|btoa|structuredClone|AbortController|Event|EventTarget)$/.test(key)) continue;
      try { globalThis[key] = trap } catch {}
    }`,
};

const SETUP = `var calls = []; const Poisoned = TypeError; var trap = function trap() { calls.length++; throw new Poisoned("poisoned"); };`;

describe.each(Object.entries(POISONS))("With %s poisoned", (_name, poison) => {
  it("console.log() prints text and inspects objects", async () => {
    await guest
      .run(
        `${SETUP} ${poison} console.log("x"); console.log("%s is %d", "y", 5); console.error([1, "a", { b: 2 }, 4n]);
      console.log(new Map([]), new Set(), new Date(0), /x/g, new Uint8Array(2)); console.table([5]); console.count(); 0`,
      )
      .catch(
        // The poison may hit the code of this test itself after the calls that count.
        () => {},
      );
    expect(guest.output.stdout.startsWith("x\ny is 5\n")).toBe(true);
    expect(guest.output.stderr).toBe("[ 1, 'a', { b: 2 }, 4n ]\n");
  });

  it("crypto.randomUUID() gives a UUID", async () => {
    const uuid = await guest.run(`${SETUP} ${poison} crypto.randomUUID()`);
    expect(uuid).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });

  it("URL, TextEncoder, AbortController and structuredClone still work", async () => {
    const text = await guest.run(`${SETUP} ${poison}
      const u = new URL("http://a/?x=1"); u.searchParams.append("y", "ü"); u.hash = "h";
      const bytes = new TextEncoder().encode("é");
      const c = new AbortController(); let heard = 0;
      c.signal.addEventListener("abort", () => { heard++ }); c.abort(7);
      const copy = structuredClone({ a: { b: 5 } });
      u.href + " " + bytes[0] + " " + new TextDecoder().decode(bytes) + " " + heard + c.signal.reason + " " + copy.a.b + " " + atob(btoa("hi"))`);
    expect(text).toBe("http://a/?x=1&y=%C3%BC#h 195 é 17 5 hi");
  });
});
