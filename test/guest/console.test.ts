import vm from "node:vm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGuest, type Guest } from "./guest-harness.ts";
import { timed } from "../machine/machine-watch.ts";

let guest: Guest;
beforeEach(async () => {
  guest = await createGuest({ exposeInternals: true });
});
afterEach(() => guest.close());

async function stdoutOf(code: string): Promise<string> {
  guest.output.stdout = "";
  await guest.run(code);
  return guest.output.stdout;
}

/** Everything that a naive formatter trips over. */
const HOSTILE = [
  `({ get a() { throw new Error("no"); } })`,
  `new Proxy({}, { get() { throw 1; }, ownKeys() { throw 2; }, getPrototypeOf() { throw 3; } })`,
  `new Proxy({}, { getPrototypeOf() { throw null; } })`,
  `(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; })()`,
  `(() => { const { proxy, revoke } = Proxy.revocable(() => {}, {}); revoke(); return proxy; })()`,
  `({ a: 1, inner: (() => { const { proxy, revoke } = Proxy.revocable([], {}); revoke(); return proxy; })() })`,
  `({ [Symbol.for("nodejs.util.inspect.custom")]() { throw new Error("custom"); } })`,
  `({ get [Symbol.for("nodejs.util.inspect.custom")]() { throw {}; } })`,
  `({ [Symbol.for("nodejs.util.inspect.custom")]: 5 })`,
  `({ get [Symbol.toStringTag]() { throw new Error("tag"); } })`,
  `({ get constructor() { throw new Error("constructor"); } })`,
  `({ constructor: { get name() { throw 1; } } })`,
  `({ constructor: Object.defineProperty(function () {}, "name", { get() { throw 1; } }) })`,
  `Object.defineProperty(new Error("x"), "stack", { get() { throw 1; } })`,
  `Object.defineProperty(new Error("x"), "message", { get() { throw 1; } })`,
  `Object.defineProperty(new Error("x"), "name", { value: Symbol("name") })`,
  `Object.defineProperty(new Error("x"), "cause", { get() { throw 1; } })`,
  `Object.defineProperty(new Error("x"), "stack", { value: { deep: 1 } })`,
  `Object.defineProperty(function () {}, "name", { get() { throw 1; } })`,
  `Object.assign(Object.create(null), { toString: null })`,
  `Object.setPrototypeOf(new Map([[1, 2]]), null)`,
  `Object.create(Map.prototype)`,
  `Object.create(Promise.prototype)`,
  `Object.create(Error.prototype)`,
  `Object.create(Date.prototype)`,
  `Object.create(Uint8Array.prototype)`,
  `Promise.prototype`,
  `Symbol.prototype`,
  `globalThis`,
  `(() => { let a = {}; for (let i = 0; i < 20000; i++) a = { a }; return a; })()`,
  `({ toString() { throw 1; }, valueOf() { throw 2; } })`,
  `Object.defineProperty([1, 2], "length", { writable: false })`,
  `new Proxy(class {}, {})`,
  `new Array(4294967295)`,
  `Object.defineProperty(new Uint8Array(2), "length", { get() { throw 1; } })`,
  `(() => { const b = new ArrayBuffer(8); const v = new Uint8Array(b); b.transfer(); return [b, v]; })()`,
];

const CALLS = [
  "console.log(value)",
  "console.log('%s %o %d %j', value, value, value, value)",
  "console.dir(value, { showHidden: true, getters: true, depth: 4 })",
  "console.table(value)",
  "console.table([value])",
  "console.error({ value })",
];

describe("console", () => {
  it.each(HOSTILE)("never throws and prints something: %s", async (source) => {
    for (const call of CALLS) {
      guest.output.stdout = guest.output.stderr = "";
      expect(await guest.run(`{ const value = ${source}; try { ${call}; "fine" } catch (e) { "threw" } }`)).toBe(
        "fine",
      );
      expect((guest.output.stdout + guest.output.stderr).length).toBeGreaterThan(1);
    }
    expect(guest.output.uncaught).toEqual([]);
  });

  it("names what it cannot read", async () => {
    expect(await stdoutOf(`const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); console.log([proxy])`)).toBe(
      "[ <Revoked Proxy> ]\n",
    );
    expect(await stdoutOf(`console.log({ a: 1, b: new Proxy({}, { ownKeys() { throw new Error("hidden") } }) })`)).toBe(
      "{ a: 1, b: [Cannot inspect: hidden] }\n",
    );
  });

  it("shows no state of promises, proxies and iterators", async () => {
    expect(await stdoutOf(`console.log([Promise.resolve(1)], Object.assign(Promise.resolve(), { a: 1 }))`)).toBe(
      "[ Promise {} ] Promise { a: 1 }\n",
    );
    expect(await stdoutOf(`console.log(new Map([[1, 2]]).keys(), new Proxy({ a: 1 }, {}))`)).toBe(
      "Object [Map Iterator] {} { a: 1 }\n",
    );
  });

  it("does not mark a rejected promise as handled", async () => {
    // An unhandled rejection is what a bare isolate fails the entry with.
    await expect(guest.run(`console.log(Promise.reject(new Error("lost"))); ""`)).rejects.toThrow("lost");
  });

  it("writes warn, error, assert and trace to stderr and the rest to stdout, without a prefix", async () => {
    await guest.run(`
      console.log("log"); console.info("info"); console.debug("debug"); console.dir("dir");
      console.warn("warn"); console.error("error"); console.assert(false, "assert"); console.assert(true, "not");
      console.assert(false); console.assert(0, { a: 1 }); console.assert(false, "%s!", "hey");`);
    expect(guest.output.stdout).toBe("log\ninfo\ndebug\n'dir'\n");
    expect(guest.output.stderr).toBe(
      "warn\nerror\nAssertion failed: assert\nAssertion failed\nAssertion failed { a: 1 }\nAssertion failed: hey!\n",
    );
  });

  it("indents groups by two spaces, every line", async () => {
    expect(
      await stdoutOf(`console.group("A"); console.log("one\\ntwo"); console.groupCollapsed(); console.log({ a: 1 });
        console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log("end")`),
    ).toBe("A\n  one\n  two\n    { a: 1 }\nend\n");
  });

  it("bounds the indentation of deep groups", async () => {
    const text = await stdoutOf(`for (let i = 0; i < 5000; i++) console.group(); console.log("\\n".repeat(500_000))`);
    expect(text.length).toBeLessThan(1_100_000);
    expect(/\.\.\. \d+ more characters\n$/.test(text.slice(-60))).toBe(true);
  });

  it("prints at the edge of the stack, or stays silent, but does not throw an error of its own", async () => {
    const code = `let deepest = ""; function dive() { try { dive() } catch { try { console.log({ a: [1] }) } catch (e) { deepest = e.name } } }
      dive(); deepest`;
    expect(["", "RangeError"]).toContain(await guest.run(code));
    expect(await stdoutOf(`console.log({ a: [1] })`)).toBe("{ a: [ 1 ] }\n");
  });

  it("counts per label, and says when a label is unknown", async () => {
    expect(
      await stdoutOf(`console.count(); console.count("x"); console.count(); console.countReset(); console.count();
        console.count(Symbol("s"));`),
    ).toBe("default: 1\nx: 1\ndefault: 2\ndefault: 1\nSymbol(s): 1\n");
    await guest.run(`console.countReset("none"); console.timeEnd("none"); console.time("t"); console.time("t")`);
    expect(guest.output.stderr).toBe(
      "Warning: Count for 'none' does not exist\nWarning: No such label 'none' for console.timeEnd()\n" +
        "Warning: Label 't' already exists for console.time()\n",
    );
  });

  it("prints times in Node's form", async () => {
    const text = await stdoutOf(`console.time("t"); console.timeLog("t", { a: 1 }); console.timeEnd("t")`);
    expect(text).toMatch(/^t: \d+(\.\d+)?ms \{ a: 1 \}\nt: \d+(\.\d+)?ms\n$/);
  });

  it("has bound methods", async () => {
    expect(await stdoutOf(`const { log, group, table } = console; group(); log("x"); [1].forEach(log)`)).toBe(
      "  x\n  1 0 [ 1 ]\n",
    );
  });

  it("prints guest frames and none of the runtime's", async () => {
    const text = await stdoutOf(`function boom() { return new Error("boom"); }
      console.log(boom()); try { new URL("x") } catch (e) { console.log(e) } console.log(AbortSignal.abort().reason)`);
    expect(text).toContain("Error: boom\n    at boom (file:///script.js:1:");
    expect(text).toContain("TypeError: Invalid URL\n    at file:///script.js:2:");
    expect(text).toContain("{\n  code: 'ERR_INVALID_URL',\n  input: 'x'\n}");
    expect(text).toContain("DOMException [AbortError]: This operation was aborted\n    at file:///script.js:2:");
    expect(text).not.toContain("geppetto:runtime");
    await guest.run(`function f() { console.trace("here %d", 5) } f()`);
    expect(guest.output.stderr).toMatch(/^Trace: here 5\n {4}at f \(file:\/\/\/script\.js:1:\d+\)\n {4}at file:/);
  });

  it("shortens the stack of an error by its cause's", async () => {
    const code = `function d(n) { return n === 0 ? new Error("outer", { cause: new Error("inner") }) : d(n - 1); } console.log(d(6))`;
    const text = await stdoutOf(code);
    expect(text).toMatch(/\.\.\. \d+ lines matching cause stack trace \.\.\./);
  });

  it("cuts the text of one call, and says so", async () => {
    const long = await stdoutOf(`console.log("x".repeat(3_000_000))`);
    expect(long.length).toBeLessThan(1_000_100);
    expect(long.endsWith("x\n... 2000000 more characters\n")).toBe(true);
    const many = await stdoutOf(
      `console.log(Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => ["k" + i, "v".repeat(50)])))`,
    );
    expect(many.length).toBeLessThan(3_000_000);
    expect(/\.\.\. \d+ more (properties|characters)\s*\}?$/.test(many.slice(-100))).toBe(true);
    const deep = await stdoutOf(`{ let o = {}; for (let i = 0; i < 24; i++) o = { a: o, b: o };
      console.dir(o, { depth: null }) }`);
    expect(deep.length).toBeLessThan(3_000_000);
  });

  it("shows large arrays without listing their keys", async () => {
    const { result, ms, allow } = await timed(() => stdoutOf(`console.log(new Float32Array(5_000_000))`));
    expect(result).toContain("... 4999900 more items");
    expect(ms).toBeLessThan(allow(1000));
  });

  it("shows the platform's objects by what they hold", async () => {
    const codes = [
      `new AbortController()`,
      `[AbortSignal.abort(1)]`,
      `new URL("https://u:p@example.com:8080/p?a=1&b=#h")`,
      `new URLSearchParams("a=1&b=2")`,
      `new URLSearchParams()`,
      `{ a: { url: new URL("http://a/"), params: new URLSearchParams("x=1") } }`,
    ];
    const { format } = await import("node:util");
    for (const code of codes) {
      expect(await stdoutOf(`console.log(${code})`)).toBe(`${format(evaluate(code))}\n`);
    }
    expect(await stdoutOf(`console.log(new Event("e"))`)).toMatch(
      /^Event \{\n {2}type: 'e',\n {2}defaultPrevented: false,\n {2}cancelable: false,\n {2}timeStamp: [\d.]+\n\}\n$/,
    );
  });

  it("uses colours only where the host allows them", async () => {
    const coloured = await createGuest({ colors: { stdout: true, stderr: false } });
    await coloured.run(`console.log({ a: 1, b: "x" }); console.error({ a: 1 })`);
    expect(coloured.output.stdout).toBe("{ a: \u001b[33m1\u001b[39m, b: \u001b[32m'x'\u001b[39m }\n");
    expect(coloured.output.stderr).toBe("{ a: 1 }\n");
    coloured.close();
  });
});

describe("formatValue()", () => {
  it("gives what console.log shows", async () => {
    expect(await guest.run(`internals.formatValue("text")`)).toBe("text");
    expect(await guest.run(`internals.formatValue({ a: ["x", 1] })`)).toBe("{ a: [ 'x', 1 ] }");
    expect(await guest.run(`internals.formatValue(undefined)`)).toBe("undefined");
  });
});

/** Evaluates in this realm but with the globals of the platform in reach. */
function evaluate(code: string): unknown {
  return vm.runInThisContext(`(${code})`);
}
