import { describe, expect, it } from "vitest";
import type { EmbeddingProvider } from "../../src/index.ts";
import { runChat } from "../chat/run-chat.ts";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { valueOf } from "./script-value.ts";

describe.each(ISOLATIONS)("steps in a %s", (isolation) => {
  it("of every combinator give the same results to promise, blocking call, callbacks, events and stream", async () => {
    const value = await valueOf(
      `
      const double = steps.createLambdaStep((x) => x * 2);
      const made = {
        lambda: [double, 4],
        map: [steps.createMapStep((x) => x + 1), [1, 2, 3]],
        step: [steps.createStep({ input: Number, process: (x) => x * 10, output: String }), "4"],
        compose: [steps.compose([(x) => [x, x + 1], double, (all) => all.concat(7)]), 1],
        parallel: [steps.createParallelStep({ maxConcurrency: 2, step: double }), [3, 2, 1]],
        retry: [steps.withRetry(double, { maxAttempts: 2 }), 5],
        timeout: [steps.withTimeout(steps.createMapStep((x) => x), 1000), [1, 2]],
        state: [steps.withState({ initialState: { n: 0 }, step: (x, state) => x }), 8],
        events: [steps.withEvents(double, {}), 9],
        host: [steps.withRetry(doubleStep, {}), 21],
        text: [steps.withTimeout(new ChatStepFactory().newStep(), 5000), "hello"],
      };
      const rows = {};
      for (const [name, [step, input]] of Object.entries(made)) {
        const text = (list) => list.map(String);
        const promised = text(await step.startAsync(input));
        const blocked = text(step.startBlocking(input));
        const called = await new Promise((resolve, onError) => {
          const all = [];
          step.startWithCallbacks(input, { onResult: (x) => all.push(x), onDone: () => resolve(all), onError });
        });
        const last = (await events(step, input)).at(-1);
        const streamed = [];
        for await (const x of step.stream(input)) streamed.push(x);
        const parts = name === "text" ? [called.join("")] : text(called);
        const pieces = name === "text" ? [streamed.join("")] : text(streamed);
        const same = [blocked, parts, pieces, text(last.results)].every((other) => String(other) === String(promised));
        rows[name] = [same, promised];
      }
      export default rows;`,
      isolation,
    );
    expect(value).toEqual({
      lambda: [true, ["8"]],
      map: [true, ["2", "3", "4"]],
      step: [true, ["40"]],
      compose: [true, ["2", "4", "7"]],
      parallel: [true, ["6", "4", "2"]],
      retry: [true, ["10"]],
      timeout: [true, ["1", "2"]],
      state: [true, ["8"]],
      events: [true, ["18"]],
      host: [true, ["42"]],
      text: [true, [expect.stringContaining("You said: hello")]],
    });
  });

  it("that fail give back the very error that was thrown, with what every error of a run has", async () => {
    const value = await valueOf(
      `
      const thrown = new RangeError("the rate limit of nothing");
      const fails = steps.createLambdaStep(() => { throw thrown });
      const wrapped = steps.compose([steps.withRetry(steps.withTimeout(fails, 1000), { maxAttempts: 2 })]);
      const promised = await caught(() => wrapped.startAsync(1));
      const blocked = await caught(() => wrapped.startBlocking(1));
      const event = (await events(wrapped, 1)).at(-1);
      export default [
        promised === thrown, blocked === thrown, thrown.name, thrown.code, thrown.isTransient,
        thrown.includes("rate limit"), Object.keys(thrown), event.error, event.code,
        await caught(() => steps.createLambdaStep(() => { throw "a text" }).startAsync(1)),
      ];`,
      isolation,
    );
    expect(value).toEqual([
      true,
      true,
      "RangeError",
      "ERR_STEP",
      false,
      true,
      [],
      "the rate limit of nothing",
      "ERR_STEP",
      "a text",
    ]);
  });
});

describe("createLambdaStep(), createMapStep() and createStep()", () => {
  it("await what their functions return and tell them the run's signal", async () => {
    const value = await valueOf(`
      const lambda = steps.createLambdaStep(async (x, { signal }) => { await pause(1); return [x, signal.aborted] });
      const map = steps.createMapStep(async (x) => { await pause(3 - x); return x });
      export default [await lambda.startAsync(1), await map.startAsync([1, 2]), await map.startAsync(2), await map.startAsync([])];`);
    expect(value).toEqual([[[1, false]], [1, 2], [2], []]);
  });

  it("emit a partial for each result of a list and none for a single result", async () => {
    const value = await valueOf(`
      const map = await events(steps.createMapStep((x) => ({ x })), [1, 2]);
      const lambda = await events(steps.createLambdaStep((x) => ({ x })), 1);
      export default [map, lambda].map((all) => all.map(({ type, seq, delta, completion, result, results, text }) =>
        ({ type, seq, delta, completion, result, results, text })));`);
    const [map, lambda] = value as [object[], object[]];
    expect(map).toMatchObject([
      { type: "start", seq: 0 },
      { type: "partial", seq: 1, delta: '{"x":1}', completion: '{"x":1}', result: { x: 1 } },
      { type: "partial", seq: 2, delta: '{"x":2}', completion: '{"x":1}\n{"x":2}', result: { x: 2 } },
      { type: "final", seq: 3, result: [{ x: 1 }, { x: 2 }], text: '{"x":1}\n{"x":2}' },
    ]);
    expect(lambda).toMatchObject([
      { type: "start", seq: 0 },
      { type: "final", seq: 1, result: { x: 1 }, results: [{ x: 1 }], text: '{"x":1}' },
    ]);
  });

  it("stop at the first failure and call nothing after it", async () => {
    const value = await valueOf(`
      const seen = [];
      const map = steps.createMapStep((x) => { seen.push(x); if (x === 2) throw new Error("two"); return x });
      const error = await caught(() => map.startAsync([1, 2, 3]));
      export default [error.message, seen.join(), await types(map, [1, 2, 3])];`);
    expect(value).toEqual(["two", "1,2", "start partial error"]);
  });

  it("give results that cannot be copied to their script as they are", async () => {
    const value = await valueOf(`
      const make = steps.createMapStep((x) => () => x);
      const [a, b] = await make.startAsync([1, 2]);
      const got = [];
      for await (const f of make.stream([3])) got.push(f());
      export default [a(), b(), got, make.startBlocking([4])[0]()];`);
    expect(value).toEqual([1, 2, [3], 4]);
  });
});

describe("compose()", () => {
  it("gives functions the array before them and runs steps once for each result, in order", async () => {
    const value = await valueOf(`
      const seen = [];
      const note = (name) => steps.createLambdaStep((x) => { seen.push(name + x); return x });
      const step = steps.compose([(x) => { seen.push(x); return [x, x + 1] }, note("a"), (all) => { seen.push(all.length); return all }, note("b")]);
      const results = await step.startAsync(1);
      export default [results, seen, await steps.compose([(x) => "one"]).startAsync(1), await steps.compose([]).startAsync(5), results.metadata.type];`);
    expect(value).toEqual([[1, 2], [1, "a1", "a2", 2, "b1", "b2"], ["one"], [5], "compose"]);
  });

  it("takes the results of a run that a function starts, and ends that run when it is cancelled", async () => {
    const value = await valueOf(`
      const log = [];
      let signal;
      const inner = steps.createLambdaStep((x, context) => { signal = context.signal; return new Promise(() => signal.addEventListener("abort", () => log.push("stopped"))) });
      const outer = steps.compose([(x) => inner.startAsync(x), doubleStep]);
      const id = outer.runWithEvents(1, (event) => log.push(event.type));
      await until(() => signal !== undefined);
      log.push(outer.cancel(id));
      await until(() => log.includes("stopped") && log.includes("interrupt"));
      export default [log.sort(), await steps.compose([(x) => doubleStep.startAsync(x), doubleStep]).startAsync(2)];`);
    expect(value).toEqual([["interrupt", "start", "stopped", true], [8]]);
  });

  it("reports usage, engine and stop reason of the steps in it as its own", async () => {
    const value = await valueOf(`
      const chat = new ChatStepFactory().newStep();
      const [message] = await chat.startAsync("hi");
      const step = steps.compose([(x) => [x, x], steps.withRetry(chat, {})]);
      const results = await step.startAsync("hi");
      const one = message.metadata.usage, two = results.metadata.usage;
      export default [two.inputTokens === 2 * one.inputTokens, two.outputTokens === 2 * one.outputTokens, results.metadata.engine, results.metadata.stopReason];`);
    expect(value).toEqual([true, true, "demo", "stop"]);
  });
});

describe("bind()", () => {
  it("takes an array, results with metadata, or a promise of either", async () => {
    const value = await valueOf(`
      const twice = steps.createMapStep((x) => x * 2);
      export default [
        await steps.bind([1, [2, 3]], twice),
        await steps.bind(await twice.startAsync([1]), twice),
        await steps.bind(twice.startAsync([1, 2]), twice),
        (await steps.bind([], twice)).length,
        (await caught(() => steps.bind(Promise.reject(new Error("before")), twice))).message,
        (await caught(() => steps.bind(Promise.resolve(3), twice))).message,
        (await caught(() => steps.bind([1], twice, { signal: AbortSignal.abort("stop") }))),
      ];`);
    const message = "Cannot bind results: results must be an array, or a promise of one";
    expect(value).toEqual([[2, 4, 6], [4], [4, 8], 0, "before", message, "stop"]);
  });
});

describe("createParallelStep()", () => {
  it("keeps no more under way than it may, and the first failure ends the rest", async () => {
    const value = await valueOf(`
      let now = 0, most = 0;
      const log = [];
      const inner = steps.createLambdaStep(async (x, { signal }) => {
        most = Math.max(most, ++now);
        await pause(x % 3);
        now--;
        return x;
      });
      const results = await steps.createParallelStep({ maxConcurrency: 3, step: inner }).startAsync([...Array(20).keys()]);
      const failing = steps.createLambdaStep((x, { signal }) => new Promise((_, reject) => {
        log.push("start " + x);
        if (x === 2) setTimeout(() => reject(new Error("two")), 5);
        signal.addEventListener("abort", () => x === 2 || log.push("stopped " + x));
      }));
      const error = await caught(() => steps.createParallelStep({ maxConcurrency: 3, step: failing }).startAsync([1, 2, 3, 4]));
      await until(() => log.length >= 5);
      await pause(5);
      log.sort();
      export default [results.join() === [...Array(20).keys()].join(), most, error.message, log];`);
    expect(value).toEqual([true, 3, "two", ["start 1", "start 2", "start 3", "stopped 1", "stopped 3"]]);
  });

  it("hands out each result as soon as those before it are there", async () => {
    const value = await valueOf(`
      const order = [];
      // The first waits for the second, and the third for what comes of both.
      const waits = { first: Promise.withResolvers(), third: Promise.withResolvers() };
      const inner = steps.createLambdaStep(async (x) => {
        await waits[x]?.promise;
        order.push("done " + x);
        if (x === "second") waits.first.resolve();
        return x;
      });
      const step = steps.createParallelStep({ maxConcurrency: 3, step: inner });
      for await (const x of step.stream(["first", "second", "third"])) {
        order.push("got " + x);
        if (x === "second") waits.third.resolve();
      }
      export default order;`);
    expect(value).toEqual(["done second", "done first", "got first", "got second", "done third", "got third"]);
  });
});

describe("embeddings.createStep()", () => {
  it("gives one vector for a string and one result for each element of an array, also through wrappers", async () => {
    const value = await valueOf(`
      const step = embeddings.createStep({ model: "another", dimensions: 7 });
      const [vector] = await step.startAsync("hello");
      const many = await events(steps.withRetry(step, {}), ["hello", "world"]);
      const single = await events(steps.withTimeout(step, 10_000), "hello");
      const same = embeddings.cosineSimilarity(vector, many.at(-1).results[0]);
      export default [vector instanceof Float32Array, vector.length, many.map((e) => e.type).join(" "), single.map((e) => e.type).join(" "),
        same > 0.999, JSON.parse(many.at(-1).text.split("\\n")[0]).length, many[1].meta.engine,
        (await caught(() => step.startAsync(3))).message, (await caught(() => step.startAsync(["a", 3]))).name];`);
    const message = "Cannot embed the input: expected a string, not number";
    expect(value).toEqual([
      true,
      512,
      "start partial partial final",
      "start final",
      true,
      512,
      "",
      message,
      "ValidationError",
    ]);
  });

  const askFor20 = `
    const lengths = [];
    for (let i = 0; i < 20; i++) lengths.push((await embeddings.createStep({ dimensions: 100 + i }).startAsync("x"))[0].length);
    export default new Set(lengths).size;`;

  it("uses the embedded model whatever is asked for, and says so once", async () => {
    const notices: string[] = [];
    const { value, error } = await runChat(askFor20, { onNotice: (text) => notices.push(text) });
    expect(error).toBeUndefined();
    expect(value).toBe(1);
    const notice = "Using use-lite-en with 512 dimensions: the embedded provider has no other embedding model";
    expect(notices.filter((text) => text === notice)).toHaveLength(1);
  });

  it("bounds how many models of a server it uses, and names the one that is too many", async () => {
    const wrapEmbeddings = (): EmbeddingProvider => ({
      name: "a server",
      model: () => ({ name: "m", dimensions: 3 }),
      embed: async (texts) => texts.map(() => new Float32Array(3)),
      close: async () => {},
    });
    const { error } = await runChat(askFor20, { embeddings: { provider: "openai", apiKey: "k" }, wrapEmbeddings });
    expect(error).toMatchObject({
      name: "LimitError",
      message: 'Cannot use the embedding model "m" with 116 dimensions: 16 others are in use already',
    });
  });
});
