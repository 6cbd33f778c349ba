import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  bind,
  createChatStep,
  createEmbeddingsStep,
  createWatermillStepObject,
  defineStep,
  registerStep,
  RuntimeEngine,
  setupDefaults,
  type Result,
  type Step,
  type StepResult,
} from "../../src/index.ts";
import { ISOLATIONS } from "../engine/engine-harness.ts";
import { PRELUDE } from "../combinators/script-value.ts";

type Topic = { publisher: Parameters<Step["addPublishedTopic"]>[0]; topic: string };

/** A step as somebody writes it who has only the interface: it publishes the words of a text, then gives the text. */
class Speller implements Step<string, string> {
  readonly #topics = new Set<Topic>();

  start({ runId = randomUUID() }: { runId?: string }, input: string): StepResult<string> {
    const results = this.#spell(runId, input);
    return {
      return: () => results,
      async *getChannel() {
        yield* await results;
      },
      cancel: () => false,
      getMetadata: () => ({ stepId: runId, type: "speller", inputType: "string", outputType: "string", startedAt: 0 }),
    };
  }

  addPublishedTopic(publisher: Topic["publisher"], topic: string): () => void {
    const entry = { publisher, topic };
    this.#topics.add(entry);
    return () => void this.#topics.delete(entry);
  }

  get topics(): number {
    return this.#topics.size;
  }

  async #spell(stepId: string, input: string): Promise<Result<string>[]> {
    for (const delta of input.split(/(?<= )/)) {
      const event = { type: "partial", delta, completion: "", step: { stepId } };
      for (const { publisher, topic } of this.#topics) await publisher.publish(topic, event);
    }
    return [{ ok: true, value: input }];
  }
}

describe.each(ISOLATIONS)("a step that is written by hand in a %s", (isolation) => {
  it("reaches scripts with what it publishes itself, each run with its own", async () => {
    const speller = new Speller();
    await using engine = new RuntimeEngine({
      isolation,
      setup: [setupDefaults(), async (vm, own) => vm.set("seeded", createWatermillStepObject(own, speller)(vm))],
    });
    await registerStep(engine, "speller", speller);
    await engine.start();
    const { value, error } = await engine.runScript({
      code: `${PRELUDE}
        const told = async (step, text) => (await events(step, text)).map(({ type, delta = "" }) => type + ":" + delta);
        export default await Promise.all([told(speller, "a b"), told(seeded, "c d")]);`,
    });
    expect(error).toBeUndefined();
    expect(value).toEqual([
      ["start:", "partial:a ", "partial:b", "partial:", "final:"],
      ["start:", "partial:c ", "partial:d", "partial:", "final:"],
    ]);
    expect(speller.topics).toBe(0);
  });

  it("need not say what ends the publishing", async () => {
    const quiet: Step<string, string> = {
      start: (context, input) => new Speller().start(context, input),
      addPublishedTopic() {},
    };
    await using engine = new RuntimeEngine({ isolation, setup: [(vm) => vm.registerStep("quiet", quiet)] });
    await engine.start();
    expect(await engine.runScript({ code: 'export default quiet.startAsync("a b");' })).toMatchObject({
      value: ["a b"],
    });
  });

  it("gives a list from its second result on, without saying so before", async () => {
    const count = defineStep<number, number>({
      name: "count",
      async *run(n) {
        for (let i = 1; i <= n; i++) yield i;
      },
    });
    await using engine = new RuntimeEngine({ isolation, setup: [setupDefaults()] });
    await registerStep(engine, "count", count);
    await engine.start();
    const { value, error } = await engine.runScript({
      code: `${PRELUDE}
        const told = async (n) => (await events(count, n)).map((e) => [e.type, e.result, e.delta ?? e.text].filter((x) => x !== undefined));
        const called = (n) => new Promise((resolve) => {
          const all = [];
          count.startWithCallbacks(n, { onResult: (x) => all.push(x), onDone: () => resolve(all) });
        });
        const streamed = [];
        for await (const x of count.stream(3)) streamed.push(x);
        export default [
          await told(0), await told(1), await told(3), await called(1), await called(3), streamed,
          count.startBlocking(2), await steps.compose([count]).startAsync(2), await steps.withTimeout(count, 9999).startAsync(2),
        ];`,
    });
    expect(error).toBeUndefined();
    expect(value).toEqual([
      [["start"], ["final", ""]],
      [["start"], ["final", 1, "1"]],
      [["start"], ["partial", 1, "1"], ["partial", 2, "2"], ["partial", 3, "3"], ["final", [1, 2, 3], "1\n2\n3"]],
      [1],
      [1, 2, 3],
      [1, 2, 3],
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });
});

describe("addPublishedTopic()", () => {
  it("gives each message its sequence number", async () => {
    const numbers: (string | undefined)[] = [];
    const step = defineStep<number, number>({
      name: "own",
      many: true,
      async *run(n) {
        for (let i = 0; i < n; i++) yield i;
      },
    });
    step.addPublishedTopic(
      { publish: async (_, __, options) => void numbers.push(options?.metadata?.["sequence_number"]) },
      "t",
    );
    await step.start({}, 2).return();
    expect(numbers).toEqual(["0", "1", "2", "3"]);
  });
});

describe("createChatStep()", () => {
  it("is a step at once; a missing key is an error of the run", async () => {
    const step = createChatStep({ provider: "embedded", model: "demo", deltaMs: 0 });
    const [result] = await step.start({}, "echo: hi").return();
    expect(result).toMatchObject({ ok: true, value: { role: "assistant", text: "hi" } });
    const keyless = createChatStep({ chat: { provider: "openai" }, env: {} });
    expect(await keyless.start({}, "hi").return()).toMatchObject([{ ok: false, error: { code: "ERR_MISSING_KEY" } }]);
  });

  it("can be bound, published and given to scripts", async () => {
    const step = createChatStep({ provider: "embedded", deltaMs: 0 });
    const deltas: unknown[] = [];
    step.addPublishedTopic({ publish: async (_, event) => void deltas.push((event as { delta?: string }).delta) }, "t");
    const prompt = defineStep<string, string>({
      name: "prompt",
      async *run(text) {
        yield `echo: ${text}`;
      },
    });
    const bound = await bind({}, prompt.start({}, "a b"), step).return();
    expect(bound).toMatchObject([{ ok: true, value: { text: "a b" } }]);
    expect(deltas.filter(Boolean).join("")).toBe("a b");
    await using engine = new RuntimeEngine({ isolation: "thread", setup: [setupDefaults()] });
    await registerStep(engine, "ask", step);
    await engine.start();
    const { value, error } = await engine.runScript({
      code: `const texts = [];
        for await (const delta of ask.stream("echo: a b")) texts.push(delta);
        export default [texts, (await ask.startAsync("echo: c"))[0].text];`,
    });
    expect(error).toBeUndefined();
    expect(value).toEqual([["a ", "b"], "c"]);
  });
});

describe("createEmbeddingsStep()", () => {
  it("gives a vector for a text and a list for several", async () => {
    await using step = createEmbeddingsStep();
    const [one] = await step.start({}, "a cat").return();
    expect(one).toMatchObject({ ok: true, value: expect.any(Float32Array) as Float32Array });
    const many = await step.start({}, ["a cat", "a dog"]).return();
    expect(many).toHaveLength(2);
    expect(many[0]).toEqual(one);
    const none = createEmbeddingsStep({ provider: "anthropic" });
    expect(await none.start({}, "x").return()).toMatchObject([{ ok: false, error: { code: "ERR_NO_EMBEDDINGS" } }]);
  });
});
