import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  bind,
  createWatermillStepObject,
  defineStep,
  GeppettoError,
  MemoryPubSub,
  registerStep,
  RuntimeEngine,
  setupDefaults,
  type Result,
  type Step,
  type StepEvent,
  type StepResult,
} from "../../src/index.ts";
import { ISOLATIONS, withEngine } from "../engine/engine-harness.ts";
import { BusWatch } from "./bus-watch.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** 1 to n. */
const count = defineStep({
  name: "count",
  many: true,
  input: z.number().int().max(5),
  output: z.number(),
  async *run(n, { metadata }) {
    for (let i = 1; i <= n; i++) yield i;
    metadata.usage = { inputTokens: 1, outputTokens: n };
    metadata.engine = "counting";
  },
});
const endless = defineStep<number, number>({
  name: "endless",
  many: true,
  async *run(start) {
    for (let i = start; ; i++) {
      await pause(1);
      yield i;
    }
  },
});
const text = defineStep({
  name: "text",
  input: z.number(),
  output: z.number().transform((n) => `#${n}`),
  async *run(n) {
    yield n;
  },
});

async function valuesOf<T>(result: StepResult<T>): Promise<T[]> {
  return (await result.return()).map((one) => {
    if (!one.ok) throw one.error;
    return one.value;
  });
}

describe("defineStep()", () => {
  it("has the types of its schemas", () => {
    expectTypeOf(count).toExtend<Step<number, number>>();
    expectTypeOf(text).toExtend<Step<number, string>>();
    expectTypeOf(text.start({}, 1)).toExtend<StepResult<string>>();
    expectTypeOf(text.start).parameter(1).toEqualTypeOf<number>();
    const plain = defineStep({
      name: "plain",
      async *run(x: { a: string }) {
        yield x.a.length;
      },
    });
    expectTypeOf(plain).toExtend<Step<{ a: string }, number>>();
    expectTypeOf<Result<number>>().toEqualTypeOf<{ ok: true; value: number } | { ok: false; error: Error }>();
  });

  it("gives results to return() and to every reader of the channel, also a late one", async () => {
    const result = count.start({}, 3);
    const seen: unknown[] = [];
    for await (const one of result.getChannel()) seen.push(one);
    expect(seen).toEqual([1, 2, 3].map((value) => ({ ok: true, value })));
    expect(await result.return()).toEqual(seen);
    expect(result.getMetadata()).toMatchObject({ type: "count", engine: "counting", eventCount: 5 });
    expect(result.cancel()).toBe(false);
  });

  it("makes a refused input or result an error of the run that names it", async () => {
    const [refused] = await count.start({}, 9).return();
    expect(refused).toMatchObject({ ok: false, error: { name: "ValidationError" } });
    expect(String((refused as { error: Error }).error)).toContain('the input of step "count"');
    const broken = defineStep<number, string>({
      name: "broken",
      output: z.string(),
      async *run() {
        yield 3 as unknown as string;
      },
    });
    const [bad] = await broken.start({}, 1).return();
    expect(String((bad as { error: Error }).error)).toContain('a result of step "broken"');
  });

  it("is cancelled by its result and by the context's signal; the last result says so", async () => {
    const result = endless.start({}, 0);
    for await (const one of result.getChannel()) if (one.ok && one.value === 3) expect(result.cancel()).toBe(true);
    const all = await result.return();
    expect(all.slice(0, 4).map((one) => one.ok)).toEqual([true, true, true, true]);
    expect(all.at(-1)).toMatchObject({ ok: false, error: { name: "AbortError", code: "ERR_ABORTED" } });
    const controller = new AbortController();
    const other = endless.start({ signal: controller.signal }, 0);
    setTimeout(() => controller.abort(new Error("enough")), 10);
    expect((await other.return()).at(-1)).toMatchObject({ ok: false, error: { message: "enough" } });
    const [aborted] = await endless.start({ signal: AbortSignal.abort() }, 0).return();
    expect(aborted).toMatchObject({ ok: false, error: { name: "AbortError" } });
  });

  it("runs a step that throws once it is cancelled without an unhandled rejection", async () => {
    const late = defineStep<number, number>({
      name: "late",
      async *run(_, { signal }) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        if (signal.aborted) throw new Error("too late");
        yield 1;
      },
    });
    const result = late.start({}, 1);
    await pause(1);
    result.cancel();
    expect(await result.return()).toMatchObject([{ ok: false, error: { name: "AbortError" } }]);
    await pause(5);
  });
});

describe("addPublishedTopic()", () => {
  async function collect(bus: MemoryPubSub, topic: string, events: StepEvent[]): Promise<void> {
    for await (const { payload, ack } of bus.subscribe<StepEvent>(topic)) {
      events.push(payload);
      ack();
      if (/final|error|interrupt/.test(payload.type)) return;
    }
  }

  it("publishes every event of the runs that follow, until that is ended", async () => {
    const bus = new MemoryPubSub();
    const step = defineStep<number, number>({ name: "once", many: true, run: (n, context) => count.run(n, context) });
    const events: StepEvent[] = [];
    const stop = step.addPublishedTopic(bus, "watch");
    const watching = collect(bus, "watch", events);
    await step.start({ runId: "run-1" }, 2).return();
    await watching;
    expect(events.map(({ type, seq }) => [type, seq])).toEqual([
      ["start", 0],
      ["partial", 1],
      ["partial", 2],
      ["final", 3],
    ]);
    expect(events.every((event) => event.step.stepId === "run-1")).toBe(true);
    stop();
    const after: StepEvent[] = [];
    void collect(bus, "watch", after);
    await step.start({}, 1).return();
    expect(after).toEqual([]);
    bus.close();
  });

  it("forgets a topic that belongs to a run when that run has ended", async () => {
    const published: string[] = [];
    const publisher = {
      publish: async (topic: string, event: unknown): Promise<void> => {
        published.push(`${topic} ${(event as StepEvent).type}`);
      },
    };
    const step = defineStep<number, number>({
      name: "own",
      async *run(n) {
        yield n;
      },
    });
    step.addPublishedTopic(publisher, "step.a");
    await step.start({ runId: "a" }, 1).return();
    await step.start({ runId: "b" }, 1).return();
    expect(published).toEqual(["step.a start", "step.a final"]);
  });

  it("loses what a publisher fails to take, and nothing else", async () => {
    const step = defineStep<number, number>({
      name: "own",
      async *run(n) {
        yield n;
      },
    });
    step.addPublishedTopic({ publish: () => Promise.reject(new Error("the transport is gone")) }, "t");
    expect(await step.start({}, 7).return()).toEqual([{ ok: true, value: 7 }]);
  });
});

describe("bind()", () => {
  it("starts the step with each result and gives all results in order, with the metadata of all", async () => {
    const bound = bind({}, count.start({}, 3), count);
    expect(await valuesOf(bound)).toEqual([1, 1, 2, 1, 2, 3]);
    expect(bound.getMetadata()).toMatchObject({
      type: "bind",
      engine: "counting",
      usage: { inputTokens: 4, outputTokens: 9 },
    });
    expect(await valuesOf(bind({}, bind({}, count.start({}, 2), count), text))).toEqual(["#1", "#1", "#2"]);
  });

  it("ends with the first error of either side", async () => {
    const fails = defineStep<number, number>({
      name: "fails",
      async *run(n) {
        if (n === 2) throw new GeppettoError("ProviderError", "rate limit", { status: 429 });
        yield n * 10;
      },
    });
    expect(await bind({}, count.start({}, 3), fails).return()).toMatchObject([
      { ok: true, value: 10 },
      { ok: false, error: { name: "ProviderError", status: 429 } },
    ]);
    expect(await bind({}, count.start({}, 99), fails).return()).toMatchObject([
      { ok: false, error: { name: "ValidationError" } },
    ]);
    const upstream = endless.start({}, 0);
    await bind({}, upstream, fails).return();
    expect(upstream.cancel()).toBe(false);
  });

  it("cancels what stands before it and what it runs", async () => {
    const before = endless.start({}, 0);
    let stopped = 0;
    const inner = defineStep<number, number>({
      name: "inner",
      async *run(n, { signal }) {
        signal.addEventListener("abort", () => stopped++);
        yield n;
        await new Promise(() => {});
      },
    });
    const controller = new AbortController();
    const bound = bind({ signal: controller.signal }, before, inner);
    for await (const one of bound.getChannel()) if (one.ok) controller.abort();
    expect((await bound.return()).at(-1)).toMatchObject({ ok: false, error: { name: "AbortError" } });
    expect((await before.return()).at(-1)).toMatchObject({ ok: false, error: { name: "AbortError" } });
    expect(stopped).toBe(1);
  });
});

/** A step that is no defineStep: only what the interface asks for. */
class Countdown implements Step<number, number> {
  readonly topics: string[] = [];

  start(ctx: { signal?: AbortSignal }, input: number): StepResult<number> {
    return endlessDown.start(ctx, input);
  }

  addPublishedTopic(_: unknown, topic: string): () => void {
    this.topics.push(topic);
    return () => {};
  }
}
const endlessDown = defineStep<number, number>({
  name: "down",
  many: true,
  async *run(n) {
    for (let i = n; i > 0; i--) yield i;
  },
});

describe.each(ISOLATIONS)("registerStep() and createWatermillStepObject() in a %s", (isolation) => {
  it("give scripts a step before and after the start, with schemas or functions as converters", async () => {
    const engine = new RuntimeEngine({ isolation, setup: [setupDefaults()] });
    await registerStep(engine, "early", count, z.coerce.number(), (n) => ({ n }));
    engine.addSetupFunction(async function fromSeed(vm, own) {
      const toObject = createWatermillStepObject(own, text, z.number(), (s: string) => s.toUpperCase());
      await vm.set("seeded", toObject(vm));
    });
    await engine.start();
    try {
      await registerStep(engine, "late", new Countdown());
      const { value, error } = await engine.runScript({
        code: `
          const all = [];
          await new Promise((resolve) => late.runWithEvents(2, (event) => { all.push(event.type + ":" + (event.delta ?? "")); if (event.type === "final") resolve() }));
          export default [
            await early.startAsync("2"),
            await seeded.startAsync(3),
            await steps.bind(await late.startAsync(3), seeded),
            all,
            await early.startAsync("x").catch((error) => error.name),
          ];`,
      });
      expect(error).toBeUndefined();
      expect(value).toEqual([
        [{ n: 1 }, { n: 2 }],
        ["#3"],
        ["#3", "#2", "#1"],
        ["start:", "partial:2", "partial:1", "final:"],
        "ValidationError",
      ]);
      await expect(registerStep(engine, "late", count)).rejects.toMatchObject({ name: "ConfigError" });
      await expect(registerStep(engine, "not a name", count)).rejects.toMatchObject({ name: "ConfigError" });
    } finally {
      await engine.close();
    }
    await expect(registerStep(engine, "closed", count)).rejects.toMatchObject({ code: "ERR_ENGINE_CLOSED" });
  });

  it("show the steps that scripts make on the host's bus like any other, and leave no topic", () =>
    withEngine({ isolation }, async ({ engine, run }) => {
      const watch = new BusWatch(engine);
      const { error } = await run(`
        const map = steps.createMapStep((x) => ({ x, secret: () => x }));
        await steps.compose([map, (all) => all.map((r) => r.x), doubleStep]).startAsync([1, 2]);
        steps.withTimeout(new ChatStepFactory().newStep(), 5000).startBlocking("hello");
        await steps.createLambdaStep(() => { throw new RangeError("no") }).startAsync(1).catch(() => {});`);
      expect(error).toBeUndefined();
      await watch.close();
      watch.expectWellFormed();
      expect([...watch.events.values()].map(([first]) => first!.step.type).sort()).toEqual([
        "chat",
        "compose",
        "double",
        "double",
        "lambda",
        "map",
        "timeout",
      ]);
      const [map] = watch.of("map");
      expect(map!.at(-1)).toMatchObject({ type: "final", results: [{ x: 1 }, { x: 2 }], text: '{"x":1}\n{"x":2}' });
      const [timeout] = watch.of("timeout");
      const [chat] = watch.of("chat");
      expect(timeout!.map(({ type }) => type)).toEqual(chat!.map(({ type }) => type));
      expect((timeout!.at(-1) as { text: string }).text).toBe((chat!.at(-1) as { text: string }).text);
      expect(timeout!.at(-1)!.step.metadata.usage).toEqual(chat!.at(-1)!.step.metadata.usage);
      expect(watch.of("lambda")[0]!.at(-1)).toMatchObject({ type: "error", error: "no", code: "ERR_STEP" });
      expect(engine.bus.topics()).toEqual([]);
    }));
});
