import { describe, expect, it } from "vitest";
import { setupDefaults } from "../../src/index.ts";
import {
  audioElement,
  type ElementReader,
  type ElementWriter,
  endOfTurnElement,
  passthrough,
  source,
  type Stage,
  stageFunc,
  textElement,
} from "../../src/pipeline/index.ts";
import { valueOf } from "../combinators/script-value.ts";
import { ISOLATIONS, withEngine } from "../engine/engine-harness.ts";
import { BusWatch } from "../combinators/bus-watch.ts";

const setup = [
  setupDefaults({
    stages: {
      speak: () =>
        stageFunc("host", "transform", async (input, output) => {
          for await (const element of input) {
            if (element.kind !== "text") continue;
            const samples = new TextEncoder().encode(element.text);
            await output.write(audioElement({ samples, sampleRate: 8000, format: "pcm16" }));
          }
          await output.write(endOfTurnElement());
        }),
      endless: () =>
        source("host", function* () {
          for (let i = 0; ; i++) yield textElement(String(i));
        }),
    },
  }),
];

describe.each(ISOLATIONS)("a pipeline of a script's (%s)", (isolation) => {
  const value = (code: string): Promise<unknown> => valueOf(code, isolation);

  it("lets values flow through functions, steps and further pipelines", async () => {
    const code = `
      const inner = pipeline.chain((n) => n + 1);
      const p = pipeline.chain((n) => [n, n * 10], doubleStep, inner, steps.createLambdaStep((n) => "#" + n));
      export default await p.startAsync([1, 2]);
    `;
    expect(await value(code)).toEqual(["#3", "#21", "#5", "#41"]);
  });

  it("keeps the order of elements, whatever time each takes", async () => {
    const code = `
      const p = pipeline.chain(async (n) => { await pause(n % 3); return n }, async (n) => { await pause(2 - n % 3); return n });
      export default await p.startAsync(Array.from({ length: 20 }, (_, i) => i));
    `;
    expect(await value(code)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it("has its stages work at the same time", async () => {
    const code = `
      const log = [];
      const gate = Promise.withResolvers();
      const p = pipeline.chain(
        (n) => { log.push("first " + n); if (n === 2) gate.resolve(); return n },
        async (n) => { if (n === 1) await gate.promise; log.push("second " + n); return n },
      );
      await p.startAsync([1, 2]);
      export default log;
    `;
    expect(await value(code)).toEqual(["first 1", "first 2", "second 1", "second 2"]);
  });

  it("hands results out as they come", async () => {
    const code = `
      const gate = Promise.withResolvers();
      const p = pipeline.chain(async (n) => { if (n === 2) await gate.promise; return n * 2 });
      const got = [];
      for await (const n of p.stream([1, 2])) { got.push(n); gate.resolve() }
      export default got;
    `;
    expect(await value(code)).toEqual([2, 4]);
  });

  it("is a step: events, callbacks, blocking, metadata, combinators", async () => {
    const code = `
      const p = pipeline.chain((text) => text.toUpperCase());
      const results = await p.startAsync(["a", "b"]);
      export default {
        same: steps.fromPipeline(p) === p,
        types: await types(p, ["a", "b"]),
        blocking: [...p.startBlocking("x")],
        called: await new Promise((resolve) => { const got = []; p.startWithCallbacks(["c"], { onResult: (r) => got.push(r), onDone: () => resolve(got) }) }),
        metadata: [results.metadata.type, results.metadata.stages.map(({ stage, elementsIn, elementsOut, state }) => [stage, elementsIn, elementsOut, state])],
        composed: [...await steps.compose([p, (all) => all.join("")]).startAsync(["a", "b"])],
        parallel: [...await steps.createParallelStep({ step: p }).startAsync(["x", "y"])],
      };
    `;
    expect(await value(code)).toEqual({
      same: true,
      types: "start partial partial final",
      blocking: ["X"],
      called: ["C"],
      metadata: ["pipeline", [["stage 1", 2, 2, "completed"]]],
      composed: ["AB"],
      parallel: ["X", "Y"],
    });
  });

  it("startBlocking() runs steps among its stages, and refuses a function that is asynchronous", async () => {
    const code = `
      const p = pipeline.chain((n) => n + 1, doubleStep);
      const error = await caught(() => pipeline.chain(async function slow(n) { return n }).startBlocking(1));
      export default [[...p.startBlocking([1, 2])], error.name, error.message];
    `;
    expect(await value(code)).toEqual([
      [4, 6],
      "StageError",
      'Stage "slow" failed: Cannot wait for "stage slow" in startBlocking: it is asynchronous; use startAsync',
    ]);
  });

  it("branch() sends each element every way, in order on each", async () => {
    const code = `
      const p = pipeline.chain(
        (n) => n,
        pipeline.branch((n) => "a" + n, [(n) => n * 10, (n) => "b" + n]),
        pipeline.branch((x) => x + "!", (x) => x + "?"),
      );
      const all = await p.startAsync([1, 2, 3]);
      export default ["a", "b"].flatMap((way) => ["!", "?"].map((end) => all.filter((x) => x.startsWith(way) && x.endsWith(end)).join(" ")));
    `;
    expect(await value(code)).toEqual(["a1! a2! a3!", "a1? a2? a3?", "b10! b20! b30!", "b10? b20? b30?"]);
  });

  it("fails with a StageError that names the stage and has the very kind of error as cause", async () => {
    const code = `
      const p = pipeline.chain((n) => n, function second() { throw new RangeError("boom") }, doubleStep);
      const error = await caught(() => p.startAsync(1));
      const inner = await caught(() => pipeline.chain(doubleStep).startAsync("x"));
      export default [error.name, error.code, error.message, error.cause instanceof RangeError, error.cause.message, inner.message];
    `;
    expect(await value(code)).toEqual([
      "StageError",
      "ERR_STAGE",
      'Stage "second" failed: boom',
      true,
      "boom",
      expect.stringContaining('Stage "double" failed: ') as unknown,
    ]);
  });

  it("cancel stops it, its stages and the steps in them", async () => {
    const code = `
      const seen = [];
      const p = pipeline.chain(async (n, { signal }) => {
        seen.push("begun");
        await new Promise((_, reject) => signal.addEventListener("abort", () => { seen.push("aborted"); reject(signal.reason) }));
      });
      const all = [];
      const ended = new Promise((resolve) => {
        const id = p.runWithEvents([1, 2], (event) => { all.push(event.type); if (event.type === "interrupt") resolve() });
        until(() => seen.length === 1 && all.length === 1).then(() => all.push(p.cancel(id)));
      });
      await ended;
      export default [all, seen];
    `;
    expect(await value(code)).toEqual([
      ["start", true, "interrupt"],
      ["begun", "aborted"],
    ]);
  });

  it("withTimeout ends it", async () => {
    const code = `
      const error = await caught(() => steps.withTimeout(pipeline.chain(() => new Promise(() => {})), 30).startAsync(1));
      export default error.name;
    `;
    expect(await value(code)).toBe("TimeoutError");
  });

  it("gives a chat step's messages to its functions as scripts know them", async () => {
    const code = `
      const p = pipeline.chain(
        new ChatStepFactory().newStep(),
        (message, { kind }) => [kind, message.role, String(message), message.time instanceof Date],
      );
      export default await p.startAsync("echo: hello");
    `;
    expect(await value(code)).toEqual(["message", "assistant", "hello", true]);
  });

  it("uses stages of the host's by name, and what they make keeps its kind", async () => {
    await withEngine({ isolation, setup }, async ({ run }) => {
      const outcome = await run(`
        const p = pipeline.chain("speak", (audio) => audio, ({ samples, format }, { kind }) => [kind, format, samples.length]);
        const first = [];
        for await (const text of pipeline.chain("endless").stream([])) { if (first.push(text) === 3) break }
        export default [await p.startAsync(["hello"]), first];
      `);
      expect(outcome.error).toBeUndefined();
      expect(outcome.value).toEqual([
        ["audio", "pcm16", 5],
        ["0", "1", "2"],
      ]);
    });
  });

  it("refuses the name of a stage that the host does not have, and says which it has", async () => {
    await withEngine({ isolation, setup }, async ({ run }) => {
      const outcome = await run(`
        const caught = (f) => { try { f() } catch (e) { return [e.name, e.message] } };
        export default [caught(() => pipeline.chain("tts")), caught(() => pipeline.chain("constructor"))];
      `);
      expect(outcome.value).toEqual([
        ["ValidationError", 'Cannot chain the stages: the host has no stage "tts", it has speak, endless'],
        ["ValidationError", 'Cannot chain the stages: the host has no stage "constructor", it has speak, endless'],
      ]);
    });
  });

  it("uses stages of the host's that are objects of a class, and refuses what is not a stage", async () => {
    class Counted implements Stage {
      readonly name = "counted";
      readonly type = "transform";
      #count = 0;

      async process(input: ElementReader, output: ElementWriter): Promise<void> {
        for await (const _ of input) await output.write(textElement(String(++this.#count)));
      }
    }
    const stages = { counted: () => new Counted(), nothing: () => undefined as never };
    await withEngine({ isolation, setup: [setupDefaults({ stages })] }, async ({ run }) => {
      const outcome = await run(`
        const caught = (f) => { try { f() } catch (e) { return [e.name, e.message] } };
        export default [await pipeline.chain("counted").startAsync([7, 7]), caught(() => pipeline.chain("nothing"))];
      `);
      expect(outcome.value).toEqual([
        ["1", "2"],
        ["ConfigError", `Cannot chain the stages: the host's "nothing" is not a stage`],
      ]);
    });
  });

  it("asks a generator for more as there is room, and closes it when nobody wants more", async () => {
    const code = `
      let given = 0;
      const log = [];
      const counting = pipeline.chain(
        function* (from) { try { for (let i = from; ; i++) { given++; yield i } } finally { log.push("closed") } },
        async function* (n) { try { yield n * 2; yield [n] } finally { log.length < 9 && n < 2 && log.push("inner " + n) } },
      );
      const got = [];
      for await (const n of counting.stream(1)) if (got.push(n) === 4) break;
      await pause(20);
      const finite = pipeline.chain(function* (n) { yield n; yield n + 1; return 99 });
      const blocked = [...finite.startBlocking([1, 5])];
      const error = await caught(() => pipeline.chain(function* bad() { yield 1; throw new RangeError("boom") }).startAsync(0));
      export default { got, bounded: given < 200, log: log.sort(), blocked, error: error.cause instanceof RangeError };
    `;
    expect(await value(code)).toEqual({
      got: [2, [1], 4, [2]],
      bounded: true,
      log: ["closed", "inner 1"],
      blocked: [1, 2, 5, 6],
      error: true,
    });
  });

  it("carries metadata and kinds, and refuses what does not go together", async () => {
    const code = `
      const of = (kind, content) => caught(() => pipeline.chain(() => pipeline.element(kind, content)).startAsync("x")).then((e) => e.message ?? [...e]);
      const p = pipeline.chain(
        (text) => pipeline.element("text", text, { metadata: { lang: "en" }, priority: "high" }),
        (text) => text.length,
        (n, { kind, metadata }) => [kind, n, metadata.lang],
      );
      export default [
        await p.startAsync("four"),
        await of("audio", { samples: new Uint8Array(2), sampleRate: 8000, format: "pcm16" }),
        await of("audio", "loud"),
        await of("smell", "sweet"),
        await of("end-of-turn"),
        await of("parts", [{ type: "text", text: "x" }, { type: "image", image: { data: "no bytes", mediaType: "image/png" } }]),
      ];
    `;
    expect(await value(code)).toEqual([
      ["data", 4, "en"],
      [{ samples: new Uint8Array(2), sampleRate: 8000, format: "pcm16" }],
      'Stage "stage 1" failed: Cannot make an element of kind "audio": its content must be {samples: Uint8Array, sampleRate, format}',
      'Stage "stage 1" failed: Cannot make an element: its kind must be one of text, audio, image, video, message, tool-call, parts, data, end-of-turn, end-of-stream, interrupt',
      [],
      'Stage "stage 1" failed: Cannot make an element of kind "parts": its content must be an array of parts',
    ]);
  });

  it("refuses a priority or metadata that nothing would look at", async () => {
    const code = `
      const of = (options) => pipeline.chain((x, { metadata }) => pipeline.element("text", x, options), (x, { metadata }) => metadata)
        .startAsync("x").then((results) => [...results], (error) => error.message);
      export default await Promise.all([{ priority: "urgent" }, { priority: 5 }, { metadata: 5 }, { metadata: ["a"] }, { priority: null, metadata: null }].map(of));
    `;
    const priority =
      'Stage "stage 1" failed: Cannot make an element: its priority must be one of low, normal, high, critical';
    const metadata = 'Stage "stage 1" failed: Cannot make an element: its metadata must be an object';
    expect(await value(code)).toEqual([priority, priority, metadata, metadata, [{}]]);
  });
});

describe("a pipeline of a script's", () => {
  it("refuses at once what is no stage", async () => {
    const code = `
      const attempts = [
        () => pipeline.chain(),
        () => pipeline.chain(7),
        () => pipeline.chain(null),
        () => pipeline.chain({}),
        () => pipeline.chain((n) => n, "tts"),
        () => pipeline.branch(),
        () => pipeline.branch([]),
        () => pipeline.stage("", (n) => n),
        () => pipeline.stage("x", 7),
        () => pipeline.stage("x", pipeline.branch(doubleStep)),
        () => pipeline.stage("x".repeat(101), (n) => n) && pipeline.chain(pipeline.stage("x".repeat(101), (n) => n)),
        () => steps.fromPipeline(doubleStep),
        () => pipeline.element("text", "x", 7),
        () => pipeline.chain(...Array.from({ length: 101 }, () => (n) => n)),
        () => { const wide = pipeline.branch(...Array.from({ length: 40 }, () => (n) => n)); pipeline.chain(wide, wide) },
      ];
      export default await Promise.all(attempts.map(async (attempt) => (await caught(attempt))?.message));
    `;
    expect(await valueOf(code)).toEqual([
      "Cannot build the pipeline: it has no stages: chain() some",
      "Cannot chain the stages: stage 1 must be a function, a step or the name of a stage, not 7",
      "Cannot chain the stages: stage 1 must be a function, a step or the name of a stage, not null",
      "Cannot chain the stages: stage 1 must be a function, a step or the name of a stage, not an object",
      'Cannot chain the stages: the host has no stage "tts", it has no stages',
      "Cannot chain the stages: the branch has no ways",
      "Cannot chain the stages: way 1 of the branch has no stages",
      "Cannot name a stage: name must be a string that is not empty",
      "Cannot chain the stages: work must be a function, a step or the name of a stage, not 7",
      "Cannot name a stage: a branch has several stages, name those",
      "Cannot chain the stages: the plan is malformed",
      "Cannot make a step: pipeline must come from pipeline.chain()",
      "Cannot make an element: options must be an object, not 7",
      "Cannot chain 101 stages with 100 connections: the maximum is 100 with 1000",
      "Cannot chain 80 stages with 1600 connections: the maximum is 100 with 1000",
    ]);
  });

  it("cannot be spied on through prototypes", async () => {
    const code = `
      let seen = 0;
      const spy = (target, name) => Object.defineProperty(target, name, { configurable: true, get() { seen++ }, set() { seen++ } });
      const spied = ["content", "functions", "plan", "stages", "edges", "branches", "fn", "host", "given"];
      for (let i = 0; i < spied.length; i++) spy(Object.prototype, spied[i]);
      for (let i = 0; i < 3; i++) spy(Array.prototype, i);
      Array.prototype[Symbol.iterator] = function* () { seen++ };
      const { then } = Promise.prototype;
      Promise.prototype.then = function (...args) { seen++; return then.apply(this, args) };
      const p = pipeline.chain((n) => n, pipeline.branch((n) => n + 1), doubleStep);
      const results = p.startBlocking(1);
      const before = seen;
      export default [results.length, before];
    `;
    expect(await valueOf(code)).toEqual([1, 0]);
  });

  it("streams a flood in bounded memory, and ends when the script has enough", async () => {
    const code = `
      const twice = (x) => [x, x];
      const p = pipeline.chain(...Array.from({ length: 24 }, () => twice));
      let n = 0;
      for await (const _ of p.stream("x")) if (++n === 1000) break;
      export default n;
    `;
    expect(await valueOf(code)).toBe(1000);
  });

  it("fails where a stage returns more than may cross, and the next run is as good as ever", async () => {
    const code = `
      const p = pipeline.chain((n) => (n === 0 ? "x".repeat(2e7) : n));
      const error = await caught(() => p.startAsync(0));
      export default [error.name, [...await p.startAsync(5)]];
    `;
    expect(await valueOf(code)).toEqual(["StageError", [5]]);
  });

  it("fails while its functions are about to be called, and nothing is left that could end the process", async () => {
    const limits = { resultBytes: 100_000 };
    const stages = { pass: () => passthrough("host") };
    await withEngine({ limits, setup: [setupDefaults({ stages })] }, async ({ run }) => {
      const outcome = await run(`
        const wide = pipeline.branch(...Array.from({ length: 90 }, () => "pass"));
        const p = pipeline.chain("pass", wide, () => null);
        export default await p.startAsync([Array.from({ length: 500 }, () => 1)]).catch((error) => error.cause.code);
      `);
      // A rejection that nobody handles fails the tests.
      expect(outcome.value).toBe("ERR_LIMIT_RESULTS");
    });
  });

  it("refuses metadata that are large, from its input and from its functions", async () => {
    const code = `
      const large = pipeline.element("text", "x", { metadata: { all: Array.from({ length: 5000 }, () => 1) } });
      const messages = async (p, input) => (await caught(() => p.startAsync(input))).message;
      export default [await messages(pipeline.chain((x) => x), large), await messages(pipeline.chain(() => large), 1)];
    `;
    const refusal =
      "Cannot make an element: its metadata takes more than 65536 bytes; put what is large into its content";
    expect(await valueOf(code)).toEqual([refusal, `Stage "stage 1" failed: ${refusal}`]);
  });

  it("refuses results that cannot be copied, naming the stage", async () => {
    const code = `
      const p = pipeline.chain(() => ({ f() {} }));
      const error = await caught(() => p.startAsync(1));
      export default [error.name, error.message.startsWith('Stage "stage 1" failed: ')];
    `;
    expect(await valueOf(code)).toEqual(["StageError", true]);
  });

  it("shows its events, and those of the steps in it, to those who watch from outside", async () => {
    await withEngine({ isolation: "thread" }, async ({ engine, run }) => {
      const watch = new BusWatch(engine);
      const outcome = await run("export default await pipeline.chain(doubleStep).startAsync([1, 2])");
      expect(outcome.value).toEqual([2, 4]);
      await watch.close();
      watch.expectWellFormed();
      const [events] = watch.of("pipeline");
      expect(events!.map(({ type }) => type)).toEqual(["start", "partial", "partial", "final"]);
      expect(watch.of("double")).toHaveLength(2);
    });
  });
});
