import { describe, expect, it } from "vitest";
import { setupDefaults } from "../../src/index.ts";
import { sharedEmbeddings } from "../attacks/shared-embeddings.ts";
import { ISOLATIONS, withEngine } from "./engine-harness.ts";

const setup = [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 }, wrapEmbeddings: sharedEmbeddings })];

/** Uses every feature and says what came of it, with intrinsics that were kept before anything was poisoned. */
const USE = `
  const out = [];
  const add = (text) => { define(out, out.length, text); };
  const step = new ChatStepFactory().newStep();
  setTimeout((a) => add("timer " + a), 1, "x");
  const doubled = new Promise((resolve) => {
    doubleStep.runWithEvents(4, (event) => { add(event.type + event.seq); if (event.type === "final") resolve(); });
  });
  const conversation = new Conversation();
  conversation.addMessage("user", "echo: hi you", { metadata: { a: [1] } });
  const called = new Promise((resolve) => {
    step.startWithCallbacks(conversation, { onResult: (delta) => add("delta " + delta), onDone: () => { add("done"); resolve(); } });
  });
  const results = await step.startAsync(conversation);
  add(results[0].text);
  add(doubleStep.startBlocking(3)[0]);
  add(embeddings.generateEmbedding("a").length);
  add((await embeddings.generateEmbeddingAsync("b")).length);
  try { await doubleStep.startAsync("x"); } catch (error) { add(error.code); }
  const controller = new AbortController();
  const waiting = step.startAsync("slow: 20ms\\necho: a b c", { signal: controller.signal });
  controller.abort();
  try { await waiting; } catch (error) { add(error.name); }
  add(new URL("a?b=c", "https://example.org/x/").href);
  console.log({ logged: [1] });
  await doubled;
  await called;
  await new Promise((resolve) => setTimeout(resolve, 30));
  done(out);`;

/** Order is not what this is about. */
const byText = (a: unknown, b: unknown): number => String(a).localeCompare(String(b));

const CLEAN = [
  "start0",
  "final1",
  "timer x",
  "delta hi ",
  "delta you",
  "done",
  "hi you",
  6,
  512,
  512,
  "ERR_VALIDATION",
  "AbortError",
  "https://example.org/x/a?b=c",
];

/** Each makes what it touches record the caller and misbehave. */
const POISONS: Record<string, string> = {
  "array methods": `for (const k of ["push", "shift", "splice", "map", "join", "slice", "forEach", "indexOf", "concat", "filter"])
    Array.prototype[k] = function () { spied.add(k); throw new Error("poisoned " + k); };`,
  "array iteration": `Array.prototype[Symbol.iterator] = function () { spied.add("iterator"); throw new Error("poisoned"); };`,
  "array index setters": `Object.defineProperty(Array.prototype, "0", { set(v) { spied.add("index"); }, get() { return undefined; }, configurable: true });`,
  "object setters": `for (const k of ["value", "get", "set", "type", "id", "ok", "op", "text", "toJSON", "$", "then", "cause", "stack", "signal", "index"])
    define2(Object.prototype, k, { __proto__: null, set(v) { spied.add(k); }, get() { return undefined; }, configurable: true });`,
  toJSON: `Object.prototype.toJSON = function () { spied.add("toJSON" + new Error().stack); return "poisoned"; }; Array.prototype.toJSON = Object.prototype.toJSON;`,
  "JSON, Object, Reflect and Map": `JSON.parse = JSON.stringify = () => { spied.add("JSON"); throw new Error("poisoned"); };
    for (const k of ["keys", "create", "defineProperty", "getPrototypeOf", "entries", "assign", "freeze"]) Object[k] = () => { spied.add("Object." + k); throw new Error("poisoned"); };
    for (const k of ["apply", "ownKeys", "get", "construct"]) Reflect[k] = () => { spied.add("Reflect." + k); throw new Error("poisoned"); };
    for (const C of [Map, Set, WeakMap]) for (const k of ["get", "set", "has", "add", "delete", "forEach", "clear"]) if (C.prototype[k]) C.prototype[k] = () => { spied.add(C.name + k); throw new Error("poisoned"); };`,
  "functions and generators": `Function.prototype.call = Function.prototype.apply = Function.prototype.bind = function () { spied.add("function"); throw new Error("poisoned"); };
    Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())).next = function () { spied.add("next"); throw new Error("poisoned"); };`,
  "strings and numbers": `for (const k of ["slice", "includes", "indexOf", "startsWith", "split", "replace", "charCodeAt"]) String.prototype[k] = function () { spied.add(k); throw new Error("poisoned"); };
    Number.prototype.toString = BigInt.prototype.toString = function () { spied.add("toString"); throw new Error("poisoned"); };`,
  errors: `Error.prepareStackTrace = () => { throw new Error("poisoned"); }; Error.stackTraceLimit = 0; Error.captureStackTrace = () => { throw 1; };`,
};

describe.each(ISOLATIONS)("a guest in a %s", (isolation) => {
  it("does what it should with clean intrinsics", () =>
    withEngine({ isolation, setup }, async ({ run }) => {
      const outcome = await run(`const define = (o, k, value) => { o[k] = value; }; ${USE}`);
      expect(outcome.error).toBeUndefined();
      expect([...(outcome.value as unknown[])].sort(byText)).toEqual([...CLEAN].sort(byText));
    }));

  it.each(Object.keys(POISONS))("does the same, unseen, when a script has poisoned %s", (name) =>
    withEngine({ isolation, setup }, async ({ run }) => {
      const code = `const spied = new Set(); const size = Object.getOwnPropertyDescriptor(Set.prototype, "size").get;
        const addSpy = Set.prototype.add, forEach = Set.prototype.forEach; spied.add = (x) => Reflect2(addSpy, spied, [x]); const Reflect2 = Reflect.apply; const define2 = Object.defineProperty;
        const define = (o, k, value) => define2(o, k, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
        ${POISONS[name]}
        ${USE.replace("done(out)", "const seen = []; Reflect2(forEach, spied, [(x) => { define(seen, seen.length, x); }]); done({ out, seen })")}`;
      const outcome = await run(code);
      expect(outcome.error).toBeUndefined();
      const { out, seen } = outcome.value as { out: unknown[]; seen: string[] };
      expect(seen).toEqual([]);
      expect([...out].sort(byText)).toEqual([...CLEAN].sort(byText));
    }),
  );
});
