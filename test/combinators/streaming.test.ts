import { describe, expect, it } from "vitest";
import { MemoryPubSub, type StepEvent } from "../../src/index.ts";
import { ISOLATIONS, withEngine } from "../engine/engine-harness.ts";
import { PRELUDE, valueOf } from "./script-value.ts";

/** The flagship of the seeds, and what its events add up to. */
const FLAGSHIP = `
const facts = ["cats sleep all day", "the sun is a star"];
const vectors = await embeddings.generateEmbeddings(facts);
const embed = embeddings.createStep();
const search = ([vector]) => {
  const scores = vectors.map((other) => embeddings.cosineSimilarity(vector, other));
  return ["echo: " + facts[scores.indexOf(Math.max(...scores))]];
};
const llm = new ChatStepFactory().newStep();
const flagship = steps.compose([embed, search, llm]);
const partials = (all) => all.filter((event) => event.type === "partial");
const deltas = (all) => partials(all).map((event) => event.delta);
const told = async (step, input) => {
  const all = await events(step, input);
  const last = all.at(-1);
  return {
    pieces: deltas(all).filter((delta) => delta !== ""),
    whole: partials(all).at(-1).completion === last.text,
    text: last.text,
    results: partials(all).filter((event) => "result" in event).length,
  };
};
`;

describe.each(ISOLATIONS)("the text of composed steps in a %s", (isolation) => {
  it("compose([embed, search, llm]) streams the words of its answer", async () => {
    const value = await valueOf(
      `${FLAGSHIP}
      const all = await events(flagship, "what do cats do?");
      const [message] = await flagship.startAsync("what do cats do?");
      export default { ...await told(flagship, "what do cats do?"), same: String(message), order: all.map((e) => e.seq) };`,
      isolation,
    );
    expect(value).toEqual({
      pieces: ["cats ", "sleep ", "all ", "day"],
      whole: true,
      text: "cats sleep all day",
      results: 1,
      same: "cats sleep all day",
      order: [0, 1, 2, 3, 4, 5, 6],
    });
  });

  it("passes through compose, chains, lambda and parallel, whatever stands around them", async () => {
    const value = await valueOf(
      `${FLAGSHIP}
      const made = {
        compose: [steps.compose([(x) => ["echo: a b", "echo: c d"], llm]), 0],
        nested: [steps.compose([steps.compose([(x) => ["echo: a b", "echo: c d"], llm])]), 0],
        timeout: [steps.withTimeout(steps.compose([(x) => ["echo: a b", "echo: c d"], llm]), 60_000), 0],
        chain: [pipeline.chain((text) => "echo: " + text, llm), ["a b", "c d"]],
        inCompose: [steps.compose([pipeline.chain(llm)]), "echo: a b"],
        lambda: [steps.createLambdaStep((text) => llm.startAsync(text)), "echo: a b"],
        asyncLambda: [steps.createLambdaStep(async (text) => (await llm.startAsync(text))[0]), "echo: a b"],
        function: [steps.compose([(x) => chat("echo: a b")]), 0],
        map: [steps.createMapStep((text) => chat("echo: " + text)), ["a b", "c d"]],
        parallel: [steps.createParallelStep({ step: llm }), ["echo: a b", "echo: c d"]],
      };
      const rows = {};
      for (const name of Object.keys(made)) rows[name] = await told(...made[name]);
      export default rows;`,
      isolation,
    );
    const one = { pieces: ["a ", "b"], whole: true, text: "a b", results: 1 };
    const two = { pieces: ["a ", "b", "c ", "d"], whole: true, text: "a b\nc d", results: 2 };
    expect(value).toEqual({
      compose: two,
      nested: two,
      timeout: two,
      chain: two,
      inCompose: one,
      lambda: { ...one, results: 0 },
      asyncLambda: { ...one, results: 0 },
      function: one,
      map: two,
      parallel: two,
    });
  });

  it("comes in the order of the elements from a parallel step, while all of them run", async () => {
    const value = await valueOf(
      `${FLAGSHIP}
      const begun = [];
      const slow = steps.createLambdaStep(async (text) => {
        begun.push(text);
        await pause(text === "a b" ? 30 : 0);
        return text;
      });
      const step = steps.createParallelStep({ step: steps.compose([slow, (all) => chat("echo: " + all[0])]) });
      const chats = steps.createParallelStep({ step: steps.createLambdaStep((text) => chat("echo: " + text)) });
      const many = Array.from({ length: 20 }, (_, i) => "word" + i + " end");
      export default [
        (await told(step, ["a b", "c d"])).text, begun.length,
        (await told(chats, many)).pieces.join("").replaceAll("end", "end ").trim() === many.join(" "),
      ];`,
      isolation,
    );
    expect(value).toEqual(["a b\nc d", 2, true]);
  });

  it("is that of results alone for callbacks and streams of a list, and of startBlocking", async () => {
    const value = await valueOf(
      `${FLAGSHIP}
      const composed = steps.compose([() => ["echo: a b", "echo: c d"], llm]);
      const streamed = [];
      for await (const result of composed.stream(0)) streamed.push(String(result));
      const called = await new Promise((resolve, onError) => {
        const all = [];
        composed.startWithCallbacks(0, { onResult: (x) => all.push(String(x)), onDone: () => resolve(all), onError });
      });
      const blocked = composed.startBlocking(0).map(String);
      export default [streamed, called, blocked];`,
      isolation,
    );
    const both = ["a b", "c d"];
    expect(value).toEqual([both, both, both]);
  });

  it("is never the JSON of a message", async () => {
    const value = await valueOf(
      `${FLAGSHIP}
      const wrapped = steps.createLambdaStep(async (text) => { await pause(1); return llm.startAsync(text); });
      const all = [
        ...await events(steps.compose([llm, (messages) => messages]), "echo: a b"),
        ...await events(wrapped, "echo: a b"),
        ...await events(pipeline.chain(llm, (message) => message), "echo: a b"),
      ];
      export default [all.filter((e) => /[{]/.test(e.text + e.delta + e.completion)).length, all.map((e) => e.text).filter(Boolean)];`,
      isolation,
    );
    expect(value).toEqual([0, ["a b", "a b", "a b"]]);
  });

  it("ends with what was seen when the composed step is cancelled", async () => {
    const value = await valueOf(
      `${FLAGSHIP}
      const step = steps.compose([() => ["echo: a b c d e f g h"], llm]);
      export default await new Promise((resolve) => {
        let seen = "";
        const id = step.runWithEvents(0, (event) => {
          if (event.type === "partial") seen = event.completion;
          if (seen === "a b ") step.cancel(id);
          if (event.type === "interrupt") resolve([event.text, seen]);
        });
      });`,
      isolation,
    );
    expect(value).toEqual(["a b ", "a b "]);
  });
});

describe("runs inside runs", () => {
  it("name their outer one in events and in the metadata of their topics", async () => {
    const bus = new MemoryPubSub();
    const seen: { event: StepEvent; metadata: Readonly<Record<string, string>> }[] = [];
    const watching = (async () => {
      for await (const { payload, metadata, ack } of bus.subscribe<StepEvent>("step.*")) {
        seen.push({ event: payload, metadata });
        ack();
      }
    })();
    await withEngine({ bus, isolation: "thread" }, async ({ run }) => {
      const { error } = await run(`${PRELUDE}${FLAGSHIP}
        await flagship.startAsync("cats");
        await steps.createLambdaStep((x) => chat("echo: hi")).startAsync(1);
        await pipeline.chain(llm).startAsync("echo: x");`);
      expect(error).toBeUndefined();
      bus.close();
      await watching;
      const types = new Map(seen.map(({ event }) => [event.step.stepId, event.step.type]));
      const outer = seen
        .filter(({ event }) => event.type === "start")
        .map(({ event }) => [event.step.type, types.get(event.step.parentRunId ?? "")]);
      expect(outer).toEqual([
        ["compose", undefined],
        ["embedding", "compose"],
        ["chat", "compose"],
        ["lambda", undefined],
        ["chat", "lambda"],
        ["pipeline", undefined],
        ["chat", "pipeline"],
      ]);
      for (const { event, metadata } of seen) {
        expect(metadata["parentRunId"]).toBe(event.step.parentRunId);
        expect(metadata["sequence_number"]).toBe(String(event.seq));
      }
    });
  });

  it("have the meta of a chat from start on", async () => {
    const value = await valueOf(`
      const conversation = new Conversation();
      const id = conversation.addMessage("user", "echo: a b");
      const all = await events(new ChatStepFactory().newStep(), conversation);
      const same = all.every((event) => JSON.stringify(event.meta) === JSON.stringify(all[0].meta));
      export default [same, all[0].meta.engine !== "", all[0].meta.parentId === id, all.at(-1).result.id === all[0].meta.messageId];`);
    expect(value).toEqual([true, true, true, true]);
  });

  it.each([
    [
      "an answer in a schema",
      `newStep({ responseFormat: { type: "object", properties: { a: { type: "string" } } } }), "hi"`,
    ],
    ["tools", `newStep({ tools: [{ name: "clock", input: { type: "object" }, run: () => 1 }] }), "call: clock {}"`],
    ["a failure", `newStep(), "error: 500"`],
    ["an embedding", `embeddings.createStep(), "a cat"`],
    ["several embeddings", `embeddings.createStep(), ["a cat", "a dog"]`],
    ["a composed step", `steps.compose([(x) => [x], newStep()]), "echo: hi"`],
  ])("have one meta from start to end with %s", async (_, code) => {
    const value = await valueOf(`
      const newStep = (options) => new ChatStepFactory().newStep(options);
      const all = await events(${code});
      all.forEach((event) => event.error);
      export default [new Set(all.map((event) => JSON.stringify(event.meta))).size, all[0].type];`);
    expect(value).toEqual([1, "start"]);
  });
});
