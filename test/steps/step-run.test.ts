import { describe, expect, it } from "vitest";
import { createDeferred } from "../../src/base/deferred.ts";
import { GeppettoError } from "../../src/shared/errors.ts";
import type { StepContext } from "../../src/steps/step.ts";
import { settle } from "../base/settle.ts";
import { expectOneEnd, hanging, observe, saying, sourceOf } from "./observe-run.ts";

describe("the events of a step run", () => {
  it("are start, what the step emits and final, numbered from 0, with the time of each", async () => {
    const source = sourceOf("text", async function* ({ publish }) {
      await publish({ type: "partial", delta: "a" });
      await publish({ type: "tool-call", toolCall: { id: "1", name: "clock", input: {} } });
      await publish({ type: "tool-result", toolResult: { id: "1", result: "noon" } });
      yield "a";
    });
    const { run, events, types } = observe(source);
    await run.execute(() => 1);
    expect(types()).toEqual(["start", "partial", "tool-call", "tool-result", "final"]);
    expectOneEnd(events);
    const times = events.map(({ time }) => time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it("carry a text that grows by each delta, and whole at the end", async () => {
    const { run, events } = observe(saying("a", "", "bc"));
    await run.execute(() => 1);
    const completions = events.flatMap((event) => (event.type === "partial" ? [event.completion] : []));
    expect(completions).toEqual(["a", "a", "abc"]);
    expect(events.at(-1)).toMatchObject({ type: "final", text: "abc", result: "abc", results: ["abc"] });
  });

  it("are one partial for each result of a list, a line each", async () => {
    const source = sourceOf("list", async function* () {
      yield { n: 1 };
      yield "two";
    });
    const { run, events } = observe(source);
    await run.execute(() => 1);
    const text = '{"n":1}\ntwo';
    expect(events.slice(1, 3)).toMatchObject([{ delta: '{"n":1}', result: { n: 1 } }, { completion: text }]);
    expect(events.at(-1)).toMatchObject({ text, result: [{ n: 1 }, "two"], results: [{ n: 1 }, "two"] });
  });

  it("say the result of a step that has one, and of one that has more each", async () => {
    const one = observe(
      sourceOf("single", async function* () {
        yield { n: 1 };
      }),
    );
    await one.run.execute(() => 1);
    expect(one.types()).toEqual(["start", "final"]);
    expect(one.events.at(-1)).toMatchObject({ text: '{"n":1}', result: { n: 1 }, results: [{ n: 1 }] });
    const two = observe(
      sourceOf("single", async function* () {
        yield { n: 1 };
        yield 2;
      }),
    );
    await two.run.execute(() => 1);
    expect(two.types()).toEqual(["start", "partial", "partial", "final"]);
    expect(two.events.at(-1)).toMatchObject({ text: '{"n":1}\n2', result: [{ n: 1 }, 2], results: [{ n: 1 }, 2] });
  });

  it("end with an error where the input cannot be read, and the step is not run", async () => {
    let hasRun = false;
    const source = sourceOf("single", async function* () {
      hasRun = true;
      yield 1;
    });
    const { run, events } = observe(source);
    await run.execute(() => {
      throw new GeppettoError("ValidationError", "a number is expected");
    });
    expect(hasRun).toBe(false);
    expect(events.at(-1)).toMatchObject({ type: "error", error: "a number is expected", code: "ERR_VALIDATION" });
  });

  it.each([
    ["an Error", new TypeError("boom"), "boom", "ERR_STEP"],
    [
      "an error of ours",
      new GeppettoError("ProviderError", "busy", { code: "ERR_RATE_LIMIT" }),
      "busy",
      "ERR_RATE_LIMIT",
    ],
    ["a text", "boom", "boom", "ERR_STEP"],
    ["a symbol", Symbol("boom"), "Symbol(boom)", "ERR_STEP"],
    ["an object without a text", Object.create(null), "An error that cannot be described", "ERR_STEP"],
    ["a long text", "x".repeat(20_000), `${"x".repeat(8192)}…`, "ERR_STEP"],
  ])("end with an error where the step throws %s", async (_, thrown, error, code) => {
    const source = sourceOf("single", async function* () {
      yield 1;
      throw thrown;
    });
    const { run, events } = observe(source);
    await run.execute(() => 1);
    expect(events.at(-1)).toMatchObject({ type: "error", error, code });
    const results = await run.return();
    expect(results).toMatchObject([
      { ok: true },
      { ok: false, error: { message: thrown instanceof Error ? error : expect.any(String) } },
    ]);
  });

  it("end with an error where the step makes no iterator", async () => {
    const { run, events } = observe(
      sourceOf("single", () => {
        throw new TypeError("no iterator");
      }),
    );
    await run.execute(() => 1);
    expect(events.at(-1)).toMatchObject({ type: "error", error: "no iterator" });
    expectOneEnd(events);
  });

  it("end only when all before the end has been delivered", async () => {
    const delivered = createDeferred();
    const { run, types } = observe(saying("a"), { delivered: () => delivered.promise });
    const end = run.execute(() => 1);
    await settle();
    expect(types()).toEqual(["start", "partial"]);
    delivered.resolve();
    await end;
    expect(types()).toEqual(["start", "partial", "final"]);
  });

  it("wait for room: the step goes on when there is some", async () => {
    const room = createDeferred();
    const said: string[] = [];
    const source = sourceOf("text", async function* ({ publish }) {
      for (const delta of ["a", "b"]) {
        said.push(delta);
        await publish({ type: "partial", delta });
      }
      yield "ab";
    });
    const { run } = observe(source, { publish: ({ type }) => (type === "partial" ? room.promise : Promise.resolve()) });
    const end = run.execute(() => 1);
    await settle();
    expect(said).toEqual(["a"]);
    room.resolve();
    await end;
    expect(said).toEqual(["a", "b"]);
  });

  it("hold copies: what the step sets later changes none of those before", async () => {
    const source = sourceOf("text", async function* ({ publish, meta, metadata }) {
      await publish({ type: "partial", delta: "a" });
      meta.engine = "model-1";
      metadata["stopReason"] = "stop";
      await publish({ type: "partial", delta: "b" });
      yield "ab";
    });
    const { run, events } = observe(source);
    await run.execute(() => 1);
    expect(events.map(({ meta }) => meta.engine)).toEqual(["", "", "model-1", "model-1"]);
    expect(events.map(({ step }) => step.metadata.stopReason)).toEqual([undefined, undefined, "stop", "stop"]);
    expect(run.engine).toBe("model-1");
  });

  it("say at the end how long it took and how many they were", async () => {
    const { run, events } = observe(saying("a", "b"));
    await run.execute(() => 1);
    const { metadata } = events.at(-1)!.step;
    expect(metadata.eventCount).toBe(events.length);
    expect(metadata.durationMs).toBeGreaterThan(0);
    expect(run.getMetadata()).toEqual(metadata);
  });

  it("are no more after the end: a late emission is refused", async () => {
    let late!: StepContext;
    const source = sourceOf("text", async function* (context) {
      late = context;
      yield "a";
    });
    const { run, events } = observe(source);
    await run.execute(() => 1);
    await expect(late.publish({ type: "partial", delta: "b" })).rejects.toMatchObject({
      message: "Cannot publish an event: the run has ended",
    });
    await expect(late.publish({ type: "tool-call", toolCall: { id: "1", name: "x", input: {} } })).rejects.toThrow();
    expectOneEnd(events);
  });
});

describe("the results of a step run", () => {
  it("come to every reader whole and in order, whenever it begins", async () => {
    const go = createDeferred();
    const source = sourceOf("list", async function* () {
      yield 1;
      await go.promise;
      yield 2;
    });
    const { run } = observe(source);
    const early = run.return();
    const end = run.execute(() => 1);
    await settle();
    const midway = run.return();
    go.resolve();
    await end;
    const all = [
      { ok: true, value: 1 },
      { ok: true, value: 2 },
    ];
    expect(await Promise.all([early, midway, run.return()])).toEqual([all, all, all]);
  });

  it("come to a reader as the step gives them", async () => {
    const go = createDeferred();
    const source = sourceOf("list", async function* () {
      yield 1;
      await go.promise;
      yield 2;
    });
    const { run } = observe(source);
    const end = run.execute(() => 1);
    const reader = run.getChannel();
    expect(await reader.next()).toMatchObject({ value: { value: 1 } });
    go.resolve();
    expect(await reader.next()).toMatchObject({ value: { value: 2 } });
    await end;
  });

  it("end with an AbortError where the run is cancelled", async () => {
    const { run } = observe(hanging());
    const end = run.execute(() => 1);
    await settle();
    run.cancel();
    await end;
    expect(await run.return()).toMatchObject([{ ok: false, error: { name: "AbortError", code: "ERR_ABORTED" } }]);
  });

  it("end with the reason of the signal that cancels the run", async () => {
    const reason = new Error("enough");
    const { run } = observe(hanging(), { signal: AbortSignal.abort(reason) });
    await run.execute(() => 1);
    expect(await run.return()).toEqual([{ ok: false, error: reason }]);
  });
});

describe("what a step run keeps", () => {
  it("is counted: pieces of text and single results by their length", async () => {
    const reserved: number[] = [];
    const reserve = (chars: number): void => void reserved.push(chars);
    const single = sourceOf("single", async function* () {
      yield "four";
    });
    await observe(saying("ab", "c"), { reserve }).run.execute(() => 1);
    await observe(single, { reserve }).run.execute(() => 1);
    expect(reserved).toEqual([2, 1, 4]);
  });

  it.each(["text", "list", "single"] as const)(
    "ends a run of kind %s with an error when it is too much",
    async (kind) => {
      const source = sourceOf(kind, async function* ({ publish }) {
        if (kind === "text") await publish({ type: "partial", delta: "too much" });
        yield "too much";
      });
      const { run, events } = observe(source, {
        reserve() {
          throw new GeppettoError("LimitError", "too much", { code: "ERR_LIMIT_RESULTS" });
        },
      });
      await run.execute(() => 1);
      expect(events.at(-1)).toMatchObject({ type: "error", code: "ERR_LIMIT_RESULTS" });
      expectOneEnd(events);
      expect((await run.return()).at(-1)).toMatchObject({ ok: false });
    },
  );
});
