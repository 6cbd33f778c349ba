import { describe, expect, it } from "vitest";
import { REALMS, RealmFixture } from "./realm-fixture.ts";

/** ECMAScript's own globals, less those that a guest is not to have. */
const LANGUAGE = `AggregateError Array ArrayBuffer AsyncDisposableStack BigInt BigInt64Array BigUint64Array Boolean
  DataView Date DisposableStack Error EvalError Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl
  Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set String SuppressedError
  Symbol SyntaxError Temporal TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakSet
  decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt
  undefined unescape`;
const OURS = `AbortController AbortSignal ByteLengthQueuingStrategy ChatSession ChatStepFactory Conversation
  CountQueuingStrategy Crypto CustomEvent DOMException Event EventTarget MessageChannel MessageEvent MessagePort
  Performance PerformanceEntry PerformanceMark PerformanceMeasure ReadableByteStreamController ReadableStream
  ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader
  TextDecoder TextDecoderStream TextEncoder TextEncoderStream TransformStream TransformStreamDefaultController URL
  URLSearchParams WritableStream WritableStreamDefaultController WritableStreamDefaultWriter atob btoa chat claude
  clearImmediate clearInterval clearTimeout console countTokens crypto done embeddings openai performance process queueMicrotask self
  setImmediate setInterval setTimeout structuredClone`;
/** What the fixture itself defines. */
const FIXTURE = "note wait";
/** V8 has these or not, depending on its version. */
const VERSIONED = new Set(["AsyncDisposableStack", "DisposableStack", "SuppressedError", "Temporal"]);

const names = (text: string): string[] => text.trim().split(/\s+/).sort();

/**
 * Walks everything that a script can reach by property, prototype, accessor or the hidden function kinds, and notes
 * what looks like the host's: isolated-vm's names, prototypes of another realm, classes that a guest must not have.
 */
const WALK = String.raw`
  const seen = new Set();
  const queue = [];
  const found = [];
  const push = (value, path) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    queue.push([value, path]);
  };
  push(globalThis, "globalThis");
  push(Object.getPrototypeOf(function* () {}), "generator");
  push(Object.getPrototypeOf(async function () {}), "async");
  push(Object.getPrototypeOf(async function* () {}), "async generator");
  push(Object.getPrototypeOf([][Symbol.iterator]()), "array iterator");
  push(Object.getPrototypeOf(new Map()[Symbol.iterator]()), "map iterator");
  push(Object.getPrototypeOf(new Set()[Symbol.iterator]()), "set iterator");
  push(Object.getPrototypeOf(""[Symbol.iterator]()), "string iterator");
  push(Object.getPrototypeOf("".matchAll(/a/g)), "match iterator");
  push((function () { return arguments; })(), "arguments");
  push(new ChatStepFactory().newStep(), "step");
  push(new Conversation(), "conversation");
  push(new AbortController(), "controller");
  try { null.x } catch (e) { push(e, "TypeError") }
  try { note(() => {}) } catch (e) { push(e, "refusal") }
  const BAD = /^(Reference|ExternalCopy|Isolate|Context|Script|Module|Callback|NativeModule|InspectorSession|applySync|applySyncPromise|applyIgnored|derefInto|copyInto|deref|require|module|__filename|__dirname|Buffer|SharedArrayBuffer|Atomics|WebAssembly|FinalizationRegistry|WeakRef|Float16Array|resizable|maxByteLength|f16round|getFloat16|setFloat16|geppettoComplete)$/;
  const rootFunction = Function.prototype;
  const rootObject = Object.prototype;
  while (queue.length > 0) {
    const [value, path] = queue.shift();
    const proto = Object.getPrototypeOf(value);
    push(proto, path + ".__proto__");
    let last = value;
    for (let next = proto; next !== null; next = Object.getPrototypeOf(next)) last = next;
    if (last !== rootObject && Object.getPrototypeOf(last) === null && typeof last.constructor === "function" && last !== value) found.push(path + " ends in another realm");
    if (typeof value === "function") {
      if (!rootFunction.isPrototypeOf(value) && value !== rootFunction) found.push(path + " is a function of another realm");
      const source = rootFunction.toString.call(value);
      if (/applySync|isolated|ivm/.test(source)) found.push(path + " shows the door");
    }
    for (const key of Reflect.ownKeys(value)) {
      if (typeof key === "string" && BAD.test(key)) found.push(path + "." + key);
      let descriptor;
      try { descriptor = Reflect.getOwnPropertyDescriptor(value, key) } catch { continue }
      const step = path + "." + String(key);
      push(descriptor.value, step);
      push(descriptor.get, "get " + step);
      push(descriptor.set, "set " + step);
      if (descriptor.get) { try { push(descriptor.get.call(value), step + "()") } catch {} }
    }
  }
  note(found, seen.size);
`;

describe.each(REALMS)("the guest of a $name", ({ create }) => {
  it("has the globals of this list and no others", async () => {
    await using fixture = await RealmFixture.create(create);
    await fixture.run("note(Object.getOwnPropertyNames(globalThis))");
    const [given] = fixture.bridge.notes as [string[]];
    const versionless = (list: string[]): string[] => list.filter((name) => !VERSIONED.has(name)).sort();
    expect(versionless(given)).toEqual(versionless(names(`${LANGUAGE} ${OURS} ${FIXTURE}`)));
    await fixture.run("note(Object.getOwnPropertySymbols(globalThis).length)");
    expect(fixture.bridge.notes[1]).toBe(0);
  });

  it("reaches nothing of isolated-vm, no object, function or prototype of the host", async () => {
    await using fixture = await RealmFixture.create(create);
    expect(await fixture.run(WALK)).toBeUndefined();
    const [found, size] = fixture.bridge.notes as [string[], number];
    expect(found).toEqual([]);
    // The walk has gone far: a realm has about a thousand objects.
    expect(size).toBeGreaterThan(800);
  });

  it("gets no function constructor of another realm from a binding, an error, a buffer or an exhausted stack", async () => {
    await using fixture = await RealmFixture.create(create);
    fixture.bridge.serveBlocking = () =>
      Promise.resolve({ text: '{"ok":false,"error":{"name":"StepError","message":"no"}}' });
    const failure = await fixture.run(String.raw`
      const own = (value) => value.constructor.constructor("return globalThis")() === globalThis;
      const caught = (f) => { try { f() } catch (error) { return error } };
      note(own(note), own(wait), own(console.log), own(process.exit), own(setTimeout));
      note(own(caught(() => wait())), own(caught(() => note(Symbol()))), own(caught(() => new URL("no url"))));
      const dive = () => { try { note("deep"); dive() } catch (error) { if (!own(error)) throw new Error("foreign"); throw error } };
      note(own(caught(dive)));
      const errors = [];
      const fill = (n) => { try { fill(n + 1) } catch (error) { errors.push(error); for (const f of [() => wait(), () => note(1)]) { const e = caught(f); if (e) errors.push(e) } } };
      fill(0);
      note(errors.every(own), errors.length > 0);`);
    expect(failure).toBeUndefined();
    const flags = fixture.bridge.notes.filter((note) => typeof note === "boolean");
    expect(flags).toHaveLength(11);
    expect(flags.every(Boolean)).toBe(true);
  });

  it.each(["WebAssembly", "SharedArrayBuffer", "Atomics", "FinalizationRegistry", "WeakRef", "Float16Array"])(
    "has no %s, by any name",
    async (name) => {
      await using fixture = await RealmFixture.create(create);
      await fixture.run(
        `note(typeof ${name}, "${name}" in globalThis, typeof Function("return typeof ${name} === 'undefined' ? undefined : ${name}")())`,
      );
      expect(fixture.bridge.notes).toEqual(["undefined", false, "undefined"]);
    },
  );

  it("cannot make a resizable buffer, a memory of WebAssembly's or a shared one", async () => {
    await using fixture = await RealmFixture.create(create);
    await fixture.run(`
      const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
      note(typeof buffer.resize, buffer.resizable, buffer.maxByteLength, typeof Math.f16round, typeof new DataView(buffer).getFloat16);
      note(Object.getOwnPropertyNames(ArrayBuffer.prototype).filter((name) => /resiz|max/i.test(name)));`);
    expect(fixture.bridge.notes).toEqual(["undefined", undefined, undefined, "undefined", "undefined", []]);
  });

  it("sees no host path and no host frame in any stack", async () => {
    await using fixture = await RealmFixture.create(create);
    await fixture.run(`
      const stacks = [new Error("x").stack];
      try { note(Symbol()) } catch (error) { stacks.push(error.stack) }
      Error.prepareStackTrace = (error, sites) => sites.map((site) => [site.getFileName(), site.getFunctionName(), String(site)]);
      stacks.push(new Error("y").stack);
      try { note(Symbol()) } catch (error) { stacks.push(error.stack) }
      Error.prepareStackTrace = (error, sites) => sites.some((site) => site.getFileName() !== "file:///script.js" && (site.getThis() ?? site.getFunction()) !== undefined);
      let leaks;
      try { note(Symbol()) } catch (error) { leaks = error.stack }
      note(JSON.stringify(stacks), leaks);`);
    const [text, leaks] = fixture.bridge.notes as [string, boolean];
    expect(leaks).toBe(false);
    expect(text).toContain("script.js");
    expect(text).not.toMatch(/node_modules|isolated-vm|node:internal|realm-child|\/src\//);
  });
});
