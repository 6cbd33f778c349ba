import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EnginePool, setupDefaults } from "../../../src/index.ts";
import { MachineWatch } from "../../machine/machine-watch.ts";
import { patience } from "../../machine/patience.ts";
import { fuzzBudget, FUZZ_TIMEOUT_MS } from "./fuzz-budget.ts";
import { HostMonitor } from "../host-monitor.ts";

/** Fields that the functions of a guest read. */
const FIELDS =
  `id ms value step input signal text message messages role content model tools temperature maxAttempts backoff
  process output metadata time parentID onResult onError onDone detail once bubbles schema run name type plan stages edges branches host length then toJSON
  __proto__ constructor toString`.split(/\s+/);

/** Source text of arbitrary values, those of no literal among them. */
const { value } = fc.letrec<{ value: string; leaf: string }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom(
      "undefined",
      "null",
      "NaN",
      "-0",
      "Infinity",
      "2 ** 53",
      "10n ** 50n",
      "Symbol('s')",
      "Symbol.iterator",
    ),
    fc.constantFrom(
      "(() => 1)",
      "(() => { throw null })",
      "class {}",
      "async () => {}",
      "(function* () { yield 1 })()",
      "/x/g",
    ),
    fc.constantFrom(
      "new Date(NaN)",
      "new Map([[1, 2]])",
      "new Set([1])",
      "new Error('e')",
      "Promise.resolve(1)",
      "globalThis",
    ),
    fc.constantFrom(
      "new Proxy({}, {})",
      "new Proxy([], { get() { throw 1 } })",
      "new Proxy(() => {}, { apply() { throw 2 } })",
    ),
    fc.constantFrom(
      "Object.create(null)",
      "doubleStep",
      "new Conversation()",
      "AbortSignal.abort()",
      "new Uint8Array(9)",
    ),
    fc.constantFrom(
      "{ get a() { throw 3 } }",
      "{ toJSON() { throw 4 } }",
      "{ then(f) { f(1) } }",
      "{ toString: null }",
    ),
    fc.integer().map(String),
    fc.string({ maxLength: 12 }).map((text) => JSON.stringify(text)),
  ),
  value: fc.oneof(
    { weight: 4, arbitrary: tie("leaf") },
    fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join()}]`),
    fc.dictionary(fc.constantFrom(...FIELDS), tie("value"), { maxKeys: 3 }).map(
      (record) =>
        `{${Object.entries(record)
          .map(([key, item]) => `[${JSON.stringify(key)}]: ${item}`)
          .join()}}`,
    ),
  ),
}));

/** What has been found. This one cleared the timer by which the script was to end, by its number: it was stalled. */
const FOUND: [string[]][] = [[["1"]]];

/** Calls each function and constructor of the runtime's globals, and the methods of what they make, with the arguments. */
const CALL_ALL = String.raw`
  const startLast = setTimeout;
  const roots = { setTimeout, setInterval, setImmediate, clearTimeout, queueMicrotask, structuredClone, console, process, steps,
    embeddings, crypto, performance, chat, openai, claude, doubleStep, URL, URLSearchParams, AbortController, AbortSignal, Event,
    EventTarget, DOMException, TextEncoder, TextDecoder, atob, btoa, Conversation, ChatStepFactory, ChatSession, countTokens };
  const skip = new Set([process.exit]);
  const seen = new Set();
  const call = (f, self, name) => {
    if (typeof f !== "function" || skip.has(f)) return;
    for (const how of [() => f.apply(self, args), () => new f(...args)]) {
      try { const made = how(); made?.catch?.(() => {}); walk(made, 2); } catch (error) { if (error === undefined) continue; }
    }
  };
  const walk = (value, depth) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value) || depth > 3) return;
    if (seen.size > 400) return;
    seen.add(value);
    let keys = [];
    try { keys = [...Object.getOwnPropertyNames(value), ...Object.getOwnPropertyNames(Object.getPrototypeOf(value) ?? {})]; } catch {}
    for (const key of keys.slice(0, 40)) {
      if (["constructor", "caller", "arguments", "exit"].includes(key)) continue;
      try { call(value[key], value, key); walk(value[key], depth + 1); } catch {}
    }
  };`;

describe("the public functions of a guest", () => {
  it("take arbitrary values without harm to the host", { timeout: FUZZ_TIMEOUT_MS }, async () => {
    const monitor = await HostMonitor.start();
    const watch = await MachineWatch.start();
    const wallMs = patience(3000);
    await using pool = new EnginePool({
      size: 2,
      limits: { wallMs, memoryMB: 48, outputBytes: 100_000 },
      console: { stdout() {}, stderr() {} },
      setup: [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 } })],
    });
    const endings = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 3 }), async (args) => {
        const body = `for (const name in roots) { try { call(roots[name], undefined, name); walk(roots[name], 1); } catch {} }`;
        const code = `const args = [${args.join(", ")}]; ${CALL_ALL}
          ${body} startLast(() => done("survived"), 20); await new Promise(() => {});`;
        const outcome = await pool.run({ code });
        const how = outcome.end === "limit" ? String(outcome.error?.code) : outcome.end;
        endings.set(how, (endings.get(how) ?? 0) + 1);
        expect(["done", "uncaught", "limit"], `${outcome.end}: ${outcome.error?.message}`).toContain(outcome.end);
        expect(outcome.stats.durationMs).toBeLessThan(wallMs + watch.allow(250));
      }),
      { ...fuzzBudget(60), examples: FOUND },
    );
    console.log(`public functions: ${[...endings].map(([end, count]) => `${end} ${count}`).join(", ")}`);
    expect(endings.get("done") ?? 0).toBeGreaterThan(0);
    await watch.stop();
    expect((await monitor.stop()).failures).toEqual([]);
  });
});
