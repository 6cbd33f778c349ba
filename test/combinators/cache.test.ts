import { describe, expect, it } from "vitest";
import {
  defineStep,
  EnginePool,
  MemoryCacheStore,
  registerStep,
  RuntimeEngine,
  ScriptedChat,
  setupDefaults,
  type CacheEntry,
  type CacheStore,
  type DefaultsSettings,
} from "../../src/index.ts";
import { Output, withEngine } from "../engine/engine-harness.ts";
import { PRELUDE, valueOf } from "./script-value.ts";

/** Scripts, one after the other, in an engine with these settings. */
async function valuesOf(codes: readonly string[], settings: DefaultsSettings = {}): Promise<unknown[]> {
  const values: unknown[] = [];
  const setup = [setupDefaults({ chat: { provider: "embedded", deltaMs: 0 }, ...settings })];
  await withEngine({ isolation: "thread", setup }, async ({ run }) => {
    for (const code of codes) {
      const { value, error } = await run(PRELUDE + code);
      expect(error).toBeUndefined();
      values.push(value);
    }
  });
  return values;
}

/** A lambda step that counts its calls in `calls`. */
const COUNTED = `
let calls = 0;
const counted = steps.createLambdaStep((x) => { calls++; return { x, call: calls } });
const own = ({ step, meta, time, ...event }) => event;
`;

class WatchedStore implements CacheStore {
  readonly entries = new Map<string, CacheEntry>();
  readonly #inner = new MemoryCacheStore();

  get(key: string): Promise<CacheEntry | undefined> {
    return this.#inner.get(key);
  }

  async set(key: string, entry: CacheEntry): Promise<void> {
    this.entries.set(key, entry);
    await this.#inner.set(key, entry);
  }
}

describe("withCache()", () => {
  it.each(["thread", "process"] as const)("runs once, however it is started, in a %s", async (isolation) => {
    const value = await valueOf(
      `${COUNTED}
      const step = steps.withCache(counted);
      const seen = [[...await step.startAsync(1)], [...step.startBlocking(1)]];
      seen.push((await events(step, 1)).at(-1).results);
      for await (const result of step.stream(1)) seen.push([result]);
      for await (const event of step.events(1)) if (event.type === "final") seen.push(event.results);
      await new Promise((onDone) => step.startWithCallbacks(1, { onResult: (result) => seen.push([result]), onDone }));
      export default [calls, seen];`,
      isolation,
    );
    expect(value).toEqual([1, Array.from({ length: 6 }, () => [{ x: 1, call: 1 }])]);
  });

  it.each([
    ["a lambda", "steps.createLambdaStep((x) => [x, new Map([[x, new Date(x)]]), new Uint16Array([x])])", "7"],
    ["a map", "steps.createMapStep((x) => ({ x, half: x / 2 }))", "[1, 2, 3]"],
    ["a composition", "steps.compose([(x) => [x, undefined, -0], steps.createLambdaStep((x) => x)])", "5"],
    ["parallel steps", "steps.createParallelStep({ step: steps.createLambdaStep(String) })", "[3n, 4n]"],
    ["a host's step", "doubleStep", "21"],
    ["a chat", "new ChatStepFactory().newStep()", "'echo: one two three'"],
    ["a chat with retries", "steps.withRetry(new ChatStepFactory().newStep())", "'echo: one two three'"],
    ["one embedding", "embeddings.createStep()", "'word'"],
    ["embeddings", "embeddings.createStep()", "['one', 'two']"],
    ["a step that is in a cache", "steps.withCache(steps.createMapStep((x) => -x))", "[1, 2]"],
  ])("publishes what the first run of %s did, under ids and times of its own", async (_, step, input) => {
    const value = await valueOf(`
      const plain = ${step}, step = steps.withCache(plain);
      const own = ({ step, meta: { engine }, time, ...event }) => ({ ...event, engine });
      const all = [await events(step, ${input}), await events(step, ${input}), await events(step, ${input})];
      const [first, second, third] = all.map((list) => list.map(own));
      const ids = new Set(all.map((list) => list[0].step.stepId));
      export default {
        types: first.map(({ type }) => type).join(" ") === (await types(plain, ${input})),
        first, second, third,
        ids: ids.size,
        begins: all.every((list) => list.every(({ step }) => step.stepId === list[0].step.stepId && step.type === "cache")),
        cached: all.map((list) => list.at(-1).step.metadata.cached),
        usage: all.map((list) => list.at(-1).step.metadata.usage),
        text: all.map((list) => String(list.at(-1).results[0])),
      };`);
    const { first, second, third, text, usage, ...rest } = value as Record<string, unknown[]>;
    expect(rest).toEqual({ types: true, ids: 3, begins: true, cached: [undefined, true, true] });
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect(new Set(text).size).toBe(1);
    expect(usage![1]).toEqual(usage![0]);
  });

  it("gives copies: whoever changes a result, while the step runs or later, changes nothing that is kept", async () => {
    const value = await valueOf(`${COUNTED}
      const lambda = steps.withCache(counted);
      (await lambda.startAsync(1))[0].x = "changed";
      (await lambda.startAsync(1))[0].x = "changed";
      const many = steps.withCache(embeddings.createStep());
      const plain = await embeddings.createStep().startAsync(["a", "b"]);
      await new Promise((onDone) => many.startWithCallbacks(["a", "b"], { onResult: (vector) => vector.fill(0), onDone }));
      const again = await many.startAsync(["a", "b"]);
      const map = steps.withCache(steps.createMapStep((x) => ({ x })));
      await new Promise((onDone) => map.startWithCallbacks([1], { onResult: (result) => (result.x = 2), onDone }));
      export default [lambda.startBlocking(1)[0], again.metadata.cached, again.every((v, i) => v.join() === plain[i].join()), map.startBlocking([1])[0]];`);
    expect(value).toEqual([{ x: 1, call: 1 }, true, true, { x: 1 }]);
  });

  it("tells inputs apart by what they are, not by the order of their fields", async () => {
    const value = await valueOf(`${COUNTED}
      const step = steps.withCache(counted);
      const inputs = [1, "1", true, null, undefined, [], {}, [1], { a: 1, b: 2 }, { a: 1, b: "2" }, new Date(1), 1n, NaN, -0, 0, new Map([[1, 2]]), new Set([1]), new Float32Array([1])];
      for (const input of inputs) await step.startAsync(input);
      const first = calls;
      for (const input of inputs) await step.startAsync(input);
      await step.startAsync({ b: 2, a: 1 });
      export default [first, inputs.length, calls];`);
    expect(value).toEqual([18, 18, 18]);
  });

  it("never lets two steps that a script made share, not even with one function, key and input", async () => {
    const value = await valueOf(`
      const make = (n, options) => steps.withCache(steps.createLambdaStep((x) => x + n), options);
      const key = () => "the same";
      const all = [make(1), make(2), make(3, { key }), make(4, { key })];
      const results = [];
      for (const step of [...all, ...all]) results.push((await step.startAsync(0))[0]);
      export default results;`);
    expect(value).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
  });

  it("lets chat steps with the same settings share, whatever object they are, and no others", async () => {
    const value = await valueOf(`
      const conversation = new Conversation();
      conversation.addMessage("user", "echo: hi");
      const cachedWith = async (options, input = "echo: hi") => {
        const results = await steps.withCache(new ChatStepFactory().newStep(options)).startAsync(input);
        return results.metadata.cached === true;
      };
      export default [
        await cachedWith({}), await cachedWith({}), await cachedWith({}, conversation),
        await cachedWith({ temperature: 1 }), await cachedWith({ system: "s" }), await cachedWith({ temperature: 1 }),
        await cachedWith({}, { messages: [{ role: "user", content: "echo: hi" }], temperature: 1 }),
        await cachedWith({}, "echo: ho"),
      ];`);
    expect(value).toEqual([false, true, true, false, false, true, true, false]);
  });

  it("keeps nothing of a run that is cancelled in the middle, or fails", async () => {
    const value = await valueOf(`
      let calls = 0;
      const slow = steps.createMapStep((x, { signal }) => new Promise((resolve) => {
        calls++;
        const timer = setTimeout(resolve, x, x);
        signal.addEventListener("abort", () => clearTimeout(timer));
      }));
      const step = steps.withCache(slow);
      const cancelled = await new Promise((resolve) => {
        const id = step.runWithEvents([0, 60_000], (event) => {
          if (event.type === "partial") step.cancel(id);
          if (event.type === "interrupt") resolve(event.text);
        });
      });
      for await (const x of step.stream([0, 60_000])) break;
      const controller = new AbortController();
      const running = caught(() => step.startAsync([0, 60_000], { signal: controller.signal }));
      await until(() => calls === 6);
      controller.abort(new DOMException("enough", "TimeoutError"));
      const aborted = await running;
      const before = calls;
      let failures = 0;
      const flaky = steps.withCache(steps.createLambdaStep((x) => { if (++failures < 3) throw new Error("no " + failures); return x }));
      const errors = [await caught(() => flaky.startAsync(1)), await caught(() => flaky.startBlocking(1))].map((e) => e.message);
      export default [cancelled, aborted.name, before, errors, flaky.startBlocking(1)[0], flaky.startBlocking(1).metadata.cached, failures];`);
    expect(value).toEqual(["0", "TimeoutError", 6, ["no 1", "no 2"], 1, true, 3]);
  });

  it("can be cancelled while it plays back", async () => {
    const value = await valueOf(`
      const step = steps.withCache(new ChatStepFactory().newStep());
      const input = "echo: " + "word ".repeat(500);
      await step.startAsync(input);
      const text = await new Promise((resolve) => {
        const id = step.runWithEvents(input, (event) => {
          if (event.type === "partial" && event.seq === 3) step.cancel(id);
          if (event.type === "interrupt") resolve(event.text);
        });
      });
      const whole = await step.startAsync(input);
      export default [text, whole.metadata.cached, whole[0].text.length];`);
    expect(value).toEqual(["word word word ", true, 2500]);
  });

  it("runs every run of an input that begins before the first has ended", async () => {
    const value = await valueOf(`
      let calls = 0;
      const step = steps.withCache(steps.createLambdaStep(async (x) => { calls++; await pause(5); return x }));
      const results = await Promise.all([1, 1, 1].map((x) => step.startAsync(x)));
      export default [calls, results.map(([x]) => x), (await step.startAsync(1)).metadata.cached];`);
    expect(value).toEqual([3, [1, 1, 1], true]);
  });

  it("knows a run by what key gives, at once or later", async () => {
    const value = await valueOf(`${COUNTED}
      const byId = steps.withCache(counted, { key: ({ id }) => id });
      const later = steps.withCache(counted, { key: async (x) => { await pause(1); return x % 10 } });
      const seen = [];
      for (const input of [{ id: 1, at: 1 }, { id: "1" }, { id: 1, at: 2 }]) seen.push((await byId.startAsync(input))[0].call);
      for (const input of [11, 12, 21]) seen.push((await later.startAsync(input))[0].call);
      const chat = new ChatStepFactory();
      const topic = (options) => steps.withCache(chat.newStep(options), { key: () => "topic" });
      const texts = [];
      for (const options of [{}, { temperature: 1 }, {}]) {
        const results = await topic(options).startAsync("echo: " + texts.length);
        texts.push([String(results[0]), results.metadata.cached]);
      }
      export default [seen, texts, (await caught(() => later.startBlocking(1))).code];`);
    expect(value).toEqual([
      [1, 2, 1, 3, 4, 3],
      [
        ["0", undefined],
        ["1", undefined],
        ["0", true],
      ],
      "ERR_STEP_ASYNC",
    ]);
  });

  it("refuses what is no key, and fails with what key throws", async () => {
    const value = await valueOf(`
      const bad = [undefined, null, {}, [], NaN, Infinity, Symbol("s"), () => 1, 1n, true];
      const errors = [];
      for (const key of bad) errors.push(await caught(() => steps.withCache(doubleStep, { key: () => key }).startAsync(1)));
      const thrown = await caught(() => steps.withCache(doubleStep, { key() { throw new RangeError("mine") } }).startBlocking(1));
      const atOnce = await Promise.all([
        () => steps.withCache(), () => steps.withCache({}), () => steps.withCache(doubleStep, { key: "k" }), () => steps.withCache(doubleStep, 5),
      ].map(caught));
      export default [[...new Set(errors.map((e) => e.name))], errors[0].message, errors[4].message, [thrown.name, thrown.message], atOnce.map((e) => e.message)];`);
    expect(value).toEqual([
      ["ValidationError"],
      "Cannot look into the cache: key must give a string or a finite number, not undefined",
      "Cannot look into the cache: key must give a string or a finite number, not NaN",
      ["RangeError", "mine"],
      [
        "Cannot create a step with a cache: step must be a step, it is missing",
        "Cannot create a step with a cache: step must be a step, not an object",
        "Cannot create a step with a cache: key must be a function, not a string",
        "Cannot create a step with a cache: options must be an object, not 5",
      ],
    ]);
  });

  it("runs without the cache what a copy does not say all of, and says so once", async () => {
    const notices: string[] = [];
    const [value] = await valuesOf(
      [
        `${COUNTED}
        class Query { #text; constructor(text) { this.#text = text } get text() { return this.#text } }
        const text = steps.withCache(steps.createLambdaStep((query) => query.text));
        const cyclic = {}; cyclic.self = cyclic;
        const step = steps.withCache(counted);
        for (const input of [cyclic, () => 1, { deep: [Symbol("s")] }, Promise.resolve(1), new Error("e")]) {
          await step.startAsync(input);
          await step.startAsync(input);
        }
        const made = steps.withCache(steps.createLambdaStep((x) => { calls++; return new Query(String(x)) }));
        const results = [(await made.startAsync(1))[0].text, (await made.startAsync(1))[0].text];
        const urls = [];
        for (const url of ["http://a/", "http://b/", "http://a/"]) urls.push((await step.startAsync(new URL(url))).metadata.cached);
        export default [(await text.startAsync(new Query("a")))[0], (await text.startAsync(new Query("b")))[0], results, calls, urls];`,
      ],
      { onNotice: (notice) => notices.push(notice) },
    );
    expect(value).toEqual(["a", "b", ["1", "1"], 15, [undefined, undefined, undefined]]);
    expect(notices.filter((notice) => notice.includes('Running step "lambda" without the cache'))).toEqual([
      'Running step "lambda" without the cache: Cannot copy a value that refers to itself at "self"',
      'Running step "lambda" without the cache: Cannot copy a function',
      'Running step "lambda" without the cache: Cannot copy a symbol at "deep[0]"',
      'Running step "lambda" without the cache: Cannot copy an object of a class',
    ]);
    expect(new Set(notices).size).toBe(notices.length);
  });

  it("keeps a chat whose tools are functions of the script only under a key", async () => {
    const call = { toolCalls: [{ id: "1", name: "clock", input: {} }] };
    const text = { text: "now" };
    const [value] = await valuesOf(
      [
        `
        let calls = 0;
        const chat = new ChatStepFactory().newStep({ tools: [{ name: "clock", input: {}, run: () => String(++calls) }] });
        const step = steps.withCache(chat), keyed = steps.withCache(chat, { key: String });
        const seen = [];
        for (const each of [step, step, keyed, keyed]) seen.push([(await events(each, "time?")).map(({ type }) => type).join(" "), calls]);
        export default seen;`,
      ],
      { chatProvider: new ScriptedChat([call, text, call, text, call, text]) },
    );
    const types = "start tool-call tool-result partial final";
    expect(value).toEqual([
      [types, 1],
      [types, 2],
      [types, 3],
      [types, 3],
    ]);
  });

  it("forgets with each script, and keeps from one call of runOnLoop to the next", async () => {
    const code = `export default (await steps.withCache(doubleStep).startAsync(4)).metadata.cached`;
    expect(await valuesOf([code, code])).toEqual([undefined, undefined]);
    await withEngine({ isolation: "thread" }, async ({ engine }) => {
      const cached = `(async () => (await steps.withCache(doubleStep).startAsync(4)).metadata.cached)()`;
      expect([await engine.runOnLoop(cached), await engine.runOnLoop(cached)]).toEqual([undefined, true]);
      await expect.poll(() => engine.stats().runs).toBe(0);
    });
  });

  it("shares nothing among the tenants of a pool, unless they are given one store", async () => {
    const code = `export default (await steps.withCache(doubleStep).startAsync(4)).metadata.cached === true`;
    const seen: unknown[] = [];
    for (const cache of [undefined, new MemoryCacheStore()]) {
      await using pool = new EnginePool({
        size: 1,
        isolation: "thread",
        setup: [setupDefaults(cache === undefined ? {} : { cache })],
      });
      for (const tenant of ["anna", "ben"]) seen.push((await pool.run({ code }, { tenant })).value);
    }
    expect(seen).toEqual([false, false, false, true]);
  });

  it("keeps runs of the host's steps in the store of the host, for other engines, and never those of a script's own", async () => {
    const cache = new WatchedStore();
    const code = `
      const lambda = steps.createLambdaStep((x) => x);
      const seen = [];
      for (const [step, options] of [[doubleStep], [new ChatStepFactory().newStep()], [embeddings.createStep()], [lambda], [lambda, { key: () => "k" }]]) {
        const input = step === doubleStep ? 4 : "echo: hi";
        seen.push((await steps.withCache(step, options).startAsync(input)).metadata.cached === true);
      }
      export default seen;`;
    expect(await valuesOf([code, code], { cache })).toEqual([
      [false, false, false, false, false],
      [true, true, true, false, false],
    ]);
    expect(await valuesOf([code], { cache })).toEqual([[true, true, true, false, false]]);
    expect([...cache.entries.values()].map(({ type }) => type).sort()).toEqual(["chat", "double", "embedding"]);
    // Another model answers otherwise.
    const other = {
      chatProvider: new ScriptedChat([{ text: "other" }]),
      embeddings: { provider: "embedded", dimensions: 8 },
    };
    expect(await valuesOf([code], { cache, ...other })).toEqual([[true, false, false, false, false]]);
  });

  it("goes on where the store fails", async () => {
    const cache: CacheStore = {
      get: () => Promise.reject(new Error("no reading")),
      set: () => Promise.reject(new Error("no writing")),
    };
    const notices: string[] = [];
    const code = `const step = steps.withCache(doubleStep); export default [step.startBlocking(1)[0], (await step.startAsync(1))[0]]`;
    expect(await valuesOf([code], { cache, onNotice: (notice) => notices.push(notice) })).toEqual([[2, 2]]);
    expect(notices).toEqual([
      'Cannot find a run of step "double": no reading',
      'Cannot keep a run of step "double": no writing',
    ]);
  });

  it("bounds what a script can have kept: the least used goes first, and what is too large is not kept", async () => {
    const value = await valueOf(`${COUNTED}
      const step = steps.withCache(counted);
      const big = "x".repeat(3_000_000);
      for (const n of [1, 2, 3]) await step.startAsync(n + big);
      const latest = (await step.startAsync(3 + big)).metadata.cached, oldest = (await step.startAsync(1 + big)).metadata.cached;
      const huge = steps.withCache(steps.createLambdaStep((x) => "y".repeat(9_000_000)));
      const hugeAgain = [await huge.startAsync(1), await huge.startAsync(1)].map(({ metadata }) => metadata.cached);
      const many = steps.withCache(counted);
      for (let i = 0; i < 1_100; i++) await many.startAsync(i);
      export default [latest, oldest, hugeAgain, (await many.startAsync(1_099)).metadata.cached, (await many.startAsync(1)).metadata.cached];`);
    expect(value).toEqual([true, undefined, [undefined, undefined], true, undefined]);
  });

  it("runs without the cache what is too large to compare, and does not keep what adds up to too much", async () => {
    const notices: string[] = [];
    const [value] = await valuesOf(
      [
        `${COUNTED}
        const step = steps.withCache(counted), keyed = steps.withCache(counted, { key: () => "long" });
        const long = "x".repeat(4_000_001);
        const cachedOf = async (each, input) => { await each.startAsync(input); return (await each.startAsync(input)).metadata.cached };
        const piece = { text: "y".repeat(1_000_000) };
        const map = steps.withCache(steps.createMapStep(() => piece));
        const list = (length) => Array.from({ length }, () => 0);
        const concurrent = steps.withCache(steps.createMapStep(async () => { await pause(1); return piece }));
        await Promise.all([1, 2, 3, 4].map((x) => concurrent.startAsync([x, x, x, x, x, x])));
        const kept = [];
        for (const x of [1, 2, 3, 4]) kept.push((await concurrent.startAsync([x, x, x, x, x, x])).metadata.cached === true);
        export default [await cachedOf(step, long), await cachedOf(keyed, long), await cachedOf(map, list(9)), await cachedOf(map, list(3)), kept.filter(Boolean).length < 4];`,
      ],
      { onNotice: (notice) => notices.push(notice) },
    );
    expect(value).toEqual([undefined, true, undefined, true, true]);
    expect(notices).toEqual([
      expect.stringMatching(
        /^Running step "lambda" without the cache: .* the maximum is 4000000; give withCache a key$/,
      ),
    ]);
  });

  it("does not keep a run of more parts than it remembers, and has the room of such runs back", async () => {
    const value = await valueOf(`
      const map = steps.withCache(steps.createMapStep((x) => 0));
      const list = (length) => Array.from({ length }, () => 0);
      const seen = [];
      for (const length of [10_001, 10_001, 2_000, 2_000]) seen.push((await map.startAsync(list(length))).metadata.cached);
      export default seen;`);
    expect(value).toEqual([undefined, undefined, undefined, true]);
  });

  it("tells a host's step's own subscribers of runs that are played back", async () => {
    const seen: string[] = [];
    const step = defineStep({
      name: "shout",
      async *run(text: string) {
        yield `${text}!`;
      },
    });
    step.addPublishedTopic({ publish: async (_, event) => void seen.push((event as { type: string }).type) }, "all");
    await using engine = new RuntimeEngine({
      isolation: "thread",
      console: new Output(),
      setup: [setupDefaults(), (vm, own) => registerStep(own, "shout", step) ?? vm],
    });
    await engine.start();
    const code = `const s = steps.withCache(shout); export default [s.startBlocking("a")[0], s.startBlocking("a")[0]]`;
    expect((await engine.runScript({ code })).value).toEqual(["a!", "a!"]);
    expect(seen).toEqual(["start", "final", "start", "final"]);
  });

  it("stays what it is when a script has changed the prototypes", async () => {
    const value = await valueOf(`
      Object.prototype.result = "poison"; Object.prototype.key = () => "poison"; Array.prototype[0] = "poison";
      Object.defineProperty(Object.prototype, "around", { set() { throw new Error("poison") }, configurable: true });
      const map = steps.withCache(steps.createMapStep((x) => x * 2), { key: undefined });
      const results = [];
      for (let i = 0; i < 2; i++) results[i] = (await map.startAsync([1, 2])).join();
      delete Object.prototype.result; delete Object.prototype.key; delete Array.prototype[0]; delete Object.prototype.around;
      export default results;`);
    expect(value).toEqual(["2,4", "2,4"]);
  });
});
