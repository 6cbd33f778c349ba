import { describe, expect, it } from "vitest";
import { defineStep, RuntimeEngine, setupDefaults } from "../../src/index.ts";
import { Output } from "../engine/engine-harness.ts";

/**
 * Properties whose change is the script's own affair: `await` itself, which is the language's and not ours, asks a promise
 * for its constructor; what metadata hold is asked for its `toJSON`, as JSON does.
 */
const OWN_AFFAIR: readonly string[] = [
  "Promise.prototype.constructor",
  "Date.prototype.toJSON",
  "Date.prototype.toISOString",
  "Date.prototype.valueOf",
  "Date.prototype[Symbol.toPrimitive]",
];

/** A step whose events come in pieces, so that iterators have something to keep. */
const pieces = defineStep({
  name: "pieces",
  kind: "text",
  async *run(_, { publish }) {
    for (let i = 0; i < 40; i++) await publish({ type: "partial", delta: String(i % 10) });
    yield "all";
  },
});

/** Uses what scripts have, with nothing but syntax and what was kept before, and says what came of it in one text. */
const USE = String.raw`
async function use() {
  let out = "";
  const add = (text) => { out += text + ";"; };
  const conversation = new Conversation();
  conversation.addMessage("user", "echo: hi you", { metadata: { a: [1, { b: new KeptDate(5) }] } });
  const branch = conversation.fork();
  branch.addMessage("assistant", "there");
  add(branch.getMessages().length + branch.getMessages()[1].text);
  const step = new ChatStepFactory().newStep();
  const results = await step.startAsync(conversation);
  add(results[0].text ?? results[0]);
  add(doubleStep.startBlocking(3)[0]);
  await new KeptPromise((resolve) => { doubleStep.runWithEvents(4, (event) => { add(event.type + event.seq); if (event.type === "final") resolve(); }); });
  const source = streamOf(pieces.stream(null));
  let text = "";
  for (;;) { const { done, value } = await source.next(); if (done) break; text += typeof value === "string" ? value : value.type; }
  add(text);
  add(lengthOf(embeddings.generateEmbedding("a")));
  add(lengthOf(await embeddings.generateEmbeddingAsync("b")));
  try { await doubleStep.startAsync("x"); } catch (error) { add(error.code); }
  const lambda = steps.createLambdaStep((n) => n + 1);
  const composed = steps.compose([lambda, steps.createLambdaStep((n) => n * 2)]);
  add((await composed.startAsync(4))[0]);
  add(composed.startBlocking(5)[0]);
  add((await steps.createParallelStep({ maxConcurrency: 2, step: lambda }).startAsync([1, 2]))[1]);
  add((await steps.withRetry(lambda, { maxAttempts: 2 }).startAsync(1))[0]);
  add(await chat("echo: one two"));
  const session = new ChatSession();
  await session.next("echo: three");
  add((await session.next("echo: four")).text);
  const piped = pipeline.chain((text) => text + "!", (text) => text + "?");
  add((await piped.startAsync("p"))[0]);
  const controller = new AbortController();
  const waiting = step.startAsync("slow: 20ms\necho: a b c", { signal: controller.signal });
  controller.abort();
  try { await waiting; } catch (error) { add(error.name); }
  const url = new URL("a?b=c", "https://example.org/x/");
  url.searchParams.append("d", "e f");
  add(url.href);
  const clone = structuredClone({ a: [1, new KeptDate(7)], b: new Uint8ArrayKept(3), c: new KeptMap() });
  add(timeOf(clone.a[1]) + lengthOf(clone.b));
  add(new TextDecoder().decode(new TextEncoder().encode("é☃")));
  add(btoa("abc") + atob("YWJj"));
  const target = new EventTarget();
  target.addEventListener("x", (event) => add(event.type), { once: true });
  target.dispatchEvent(new Event("x"));
  console.log({ logged: [1, new KeptMap(), new Uint8ArrayKept(2), new KeptDate(1)] }, "%s %d", 1n, [null, undefined]);
  console.table([{ a: 1 }]);
  await new KeptPromise((resolve) => setTimeout(resolve, 1));
  await new KeptPromise((resolve) => setImmediate(resolve));
  return out;
}`;

const WALK = String.raw`
const stringify = JSON.stringify, KeptPromise = Promise, KeptDate = Date, KeptMap = Map;
const Uint8ArrayKept = Uint8Array, { call } = Function.prototype, { bind } = call;
const uncurry = (method) => Reflect.apply(bind, call, [method]);
const timeOf = uncurry(Date.prototype.getTime);
const lengthOf = uncurry(Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), "length").get);
const { getOwnPropertyDescriptor, defineProperty, getPrototypeOf } = Object;
const { ownKeys, apply } = Reflect;
const { asyncIterator } = Symbol;
const streamOf = (stream) => stream[asyncIterator]();
const push = Array.prototype.push;
const describeKey = (key) => (typeof key === "symbol" ? "[" + key.description + "]" : "." + key);
/** Every object that the language has put there, by the way to it. */
function intrinsics() {
  const found = new KeptMap();
  const walk = (value, name) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || found.has(value)) return;
    found.set(value, name);
    for (const key of ownKeys(value)) {
      const { value: inner, get, set } = getOwnPropertyDescriptor(value, key);
      walk(inner, name + describeKey(key));
      walk(get, name + describeKey(key) + ".get");
      walk(set, name + describeKey(key) + ".set");
    }
    walk(getPrototypeOf(value), name + ".__proto__");
  };
  for (const name of LANGUAGE) if (globalThis[name] !== undefined) walk(globalThis[name], name);
  walk(getPrototypeOf(async function () {}), "AsyncFunction.prototype");
  walk(getPrototypeOf(function* () {}), "GeneratorFunction.prototype");
  walk(getPrototypeOf(async function* () {}), "AsyncGeneratorFunction.prototype");
  walk(getPrototypeOf([][Symbol.iterator]()), "ArrayIterator");
  walk(getPrototypeOf(new Map().entries()), "MapIterator");
  walk(getPrototypeOf(new Set().values()), "SetIterator");
  walk(getPrototypeOf(""[Symbol.iterator]()), "StringIterator");
  walk(getPrototypeOf("".matchAll(/x/g)), "RegExpStringIterator");
  return found;
}
const LANGUAGE = ["Object", "Function", "Array", "String", "Number", "Boolean", "BigInt", "Symbol", "Date", "RegExp", "Error",
  "TypeError", "RangeError", "SyntaxError", "AggregateError", "Map", "Set", "WeakMap", "WeakSet", "Promise", "Proxy", "Reflect",
  "JSON", "Math", "ArrayBuffer", "DataView", "Uint8Array", "Uint16Array", "Float32Array", "Float64Array", "BigInt64Array", "Iterator", "Intl",
  "parseInt", "parseFloat", "isNaN", "isFinite", "encodeURIComponent", "decodeURIComponent", "escape", "unescape", "eval"];
`;

const POISON_EACH = String.raw`${WALK}${USE}
    const clean = await use();
    const places = [];
    for (const [object, name] of intrinsics()) for (const key of ownKeys(object)) {
      const was = getOwnPropertyDescriptor(object, key);
      // An array's own length takes no other value.
      const isLength = object === Array.prototype && key === "length";
      if (!isLength && (was.configurable || was.writable)) apply(push, places, [{ object, key, was, name: name + describeKey(key) }]);
    }
    // Names of globals, too: what a script declares over them is its own.
    for (const name of LANGUAGE) if (globalThis[name] !== undefined)
      apply(push, places, [{ object: globalThis, key: name, was: getOwnPropertyDescriptor(globalThis, name), name: "globalThis." + name }]);
    const poison = ({ object, key, was, name }) => {
      const poisoned = function () { throw new Error("poisoned " + name); };
      if ("value" in was) defineProperty(object, key, { __proto__: null, ...was, value: typeof was.value === "function" ? poisoned : undefined });
      else defineProperty(object, key, { __proto__: null, get: poisoned, set: poisoned, configurable: true, enumerable: was.enumerable });
    };
    const GROUPS = 100, differences = [];
    let count = 0;
    /** Poisons every so many places at once, and where that makes a difference fewer of them, until it is known which makes it. */
    async function poisonFrom(first, step) {
      let came, names = "";
      try {
        for (let i = first; i < places.length; i += step) {
          const { name } = places[i];
          names += (names === "" ? "" : ", ") + name;
          count++;
          poison(places[i]);
        }
        console.log(names);
        came = await use();
      } catch (error) {
        came = "threw " + error?.message + (error?.stack ?? "");
      }
      for (let i = first; i < places.length; i += step) {
        const { object, key, was } = places[i];
        defineProperty(object, key, { __proto__: null, ...was });
      }
      if (came === clean) return false;
      let isFound = false;
      if (first + step < places.length)
        for (const half of [first, first + step]) if (await poisonFrom(half, step * 2)) isFound = true;
      if (!isFound) apply(push, differences, [names + ": " + came]);
      return true;
    }
    for (let first = 0; first < GROUPS; first++) await poisonFrom(first, GROUPS);
    export default { clean, count, differences };`;

describe("a guest whose intrinsics a script poisons, some properties at a time", () => {
  it("does what it did before", async () => {
    const output = new Output();
    await using engine = new RuntimeEngine({
      isolation: "thread",
      console: output,
      limits: { outputBytes: 1e9, events: 1e9 },
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } }), (vm) => vm.registerStep("pieces", pieces)],
    });
    await engine.start();
    const outcome = await engine.runScript({ code: POISON_EACH });
    expect(outcome.error, `after ${output.lines.slice(-8).join("|")}`).toBeUndefined();
    const { count, differences } = outcome.value as { clean: string; count: number; differences: string[] };
    expect(count).toBeGreaterThan(1000);
    expect(differences.filter((found) => !OWN_AFFAIR.some((name) => found.startsWith(`${name}: `)))).toEqual([]);
  });
});
