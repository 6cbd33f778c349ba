import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { MemoryPubSub } from "../../src/events/index.ts";
import {
  audioElement,
  endOfStreamElement,
  errorElement,
  filter,
  map,
  mapText,
  passthrough,
  PipelineBuilder,
  PipelineConfig,
  type PipelineEvent,
  sink,
  source,
  StageError,
  stageFunc,
  take,
  textElement,
} from "../../src/pipeline/index.ts";
import {
  type Body,
  chain,
  collect,
  collector,
  counting,
  failureOf,
  numbered,
  settled,
  textsOf,
  transform,
} from "./pipeline-fixture.ts";
import { patience } from "../machine/patience.ts";

const never = new Promise<never>(() => {});
const throwing = (value: unknown) => (): never => {
  throw value;
};
const forward = transform("forward", async (input, output) => {
  for await (const element of input) await output.write(element);
});

describe("execute()", () => {
  it("hands elements out as they come, while the input is still open", async () => {
    const gate = Promise.withResolvers<void>();
    const pipeline = chain([passthrough("a"), forward]);
    const input = (async function* () {
      yield textElement("first");
      await gate.promise;
      yield textElement("second");
    })();
    const iterator = pipeline.execute(input)[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ value: { text: "first" } });
    gate.resolve();
    expect(await iterator.next()).toMatchObject({ value: { text: "second" } });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it.each([
    ["nothing", undefined, []],
    ["a text", "x", ["x"]],
    ["an element", textElement("x"), ["x"]],
    ["an array of both", ["x", textElement("y")], ["x", "y"]],
    ["an empty array", [], []],
  ])("takes %s for input", async (_, input, expected) => {
    expect(textsOf(await collect(chain([passthrough("a")]).execute(input)))).toEqual(expected);
  });

  it("runs eight executions of 50 elements at a time, each with its own", async () => {
    const pipeline = chain([passthrough("a"), forward, passthrough("b")]);
    const runs = Array.from({ length: 8 }, (_, i) => collect(pipeline.execute(numbered(50, `run ${i}`))));
    for (const [i, elements] of (await Promise.all(runs)).entries()) {
      expect(textsOf(elements)).toEqual(Array.from({ length: 50 }, (_, n) => String(n)));
      expect(new Set(elements.map((element) => element.source))).toEqual(new Set([`run ${i}`]));
    }
    expect(pipeline.running).toBe(0);
  });

  it("runs no more at a time than the configuration allows, the others in order", async () => {
    const log: string[] = [];
    const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
    const stage = transform("work", async (input) => {
      for await (const element of input) {
        if (element.kind !== "text") continue;
        log.push(`start ${element.text}`);
        await gates[Number(element.text)]!.promise;
        log.push(`end ${element.text}`);
      }
    });
    const pipeline = chain([stage], new PipelineConfig().withMaxConcurrentExecutions(2));
    const runs = ["0", "1", "2"].map((text) => pipeline.executeSync(text));
    // Two that run at a time may begin in either order.
    await expect.poll(() => [...log].sort()).toEqual(["start 0", "start 1"]);
    gates[1]!.resolve();
    await runs[1];
    await expect.poll(() => log.at(-1)).toBe("start 2");
    gates[0]!.resolve();
    gates[2]!.resolve();
    await Promise.all(runs);
    expect(log.slice(2)).toEqual(["end 1", "start 2", "end 0", "end 2"]);
  });

  it("cancelled while it waits for its turn never starts", async () => {
    let started = 0;
    const gate = Promise.withResolvers<void>();
    const stage = transform("work", async () => {
      started++;
      await gate.promise;
    });
    const pipeline = chain([stage], new PipelineConfig().withMaxConcurrentExecutions(1));
    const first = pipeline.executeSync();
    const abort = new AbortController();
    const second = failureOf(pipeline.execute(undefined, { signal: abort.signal }));
    abort.abort(new Error("changed my mind"));
    expect(await second).toMatchObject({ message: "changed my mind" });
    gate.resolve();
    await first;
    expect(started).toBe(1);
    expect(await pipeline.executeSync()).toMatchObject({ elements: [] });
  });
});

describe("the output of an execution", () => {
  it("is shared by several loops: each element goes to one of them, and none is lost", async () => {
    const run = chain([counting("numbers", 500).stage, passthrough("a")]).execute();
    const got: string[] = [];
    const read = async (): Promise<void> => {
      for await (const element of run) {
        got.push(...textsOf([element]));
        if (got.length % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    await Promise.all([read(), read(), read()]);
    expect(got.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  });
});

describe("back-pressure", () => {
  it("stops a source when nobody reads, within the buffers and the hands of the stages", async () => {
    const { stage, given } = counting("numbers");
    const run = chain([stage, passthrough("a"), forward, passthrough("b")]).execute();
    await settled(run);
    const bound = 4 * 16 * 2;
    expect(given()).toBeGreaterThan(0);
    expect(given()).toBeLessThanOrEqual(bound);
    run.cancel();
    await run.ended;
  });

  it("lets a source go on by as much as has been read", async () => {
    const { stage, given } = counting("numbers");
    const run = chain([stage, passthrough("a")], new PipelineConfig().withChannelBufferSize(1)).execute();
    const iterator = run[Symbol.asyncIterator]();
    for (let i = 0; i < 100; i++) expect(await iterator.next()).toMatchObject({ value: { text: String(i) } });
    await settled(run);
    expect(given()).toBeLessThanOrEqual(100 + 6);
    await iterator.return!();
  });

  it("ends a stage that writes without waiting and without end", async () => {
    const stage = stageFunc("flood", "generate", async (_, output) => {
      for (let i = 0; i < 10_000; i++) void output.write(textElement("x")).catch(() => {});
      await output.write(textElement("x"));
    });
    const run = chain([stage, transform("stuck", () => never)]).execute();
    expect(await failureOf(run)).toMatchObject({
      stage: "flood",
      message: 'Stage "flood" failed: Cannot write to stage "stuck": 1000 writes wait already; await each write',
    });
  });

  it("waits for the slowest of several branches", async () => {
    const { stage, given } = counting("numbers");
    const run = new PipelineBuilder()
      .chain(stage)
      .branch(
        stage,
        sink("fast", () => {}),
        transform("stuck", () => never),
      )
      .build()
      .execute();
    await settled(run);
    expect(given()).toBeLessThanOrEqual(18);
    run.cancel();
  });
});

describe("a stage that fails", () => {
  it("ends the execution with a StageError that names it and holds the cause", async () => {
    const cause = new TypeError("boom");
    const bad = transform("bad", async (input) => {
      for await (const _ of input) throw cause;
    });
    const failure = await failureOf(chain([passthrough("a"), bad, passthrough("b")]).execute(["x"]));
    expect(failure).toBeInstanceOf(StageError);
    expect(failure).toMatchObject({
      name: "StageError",
      code: "ERR_STAGE",
      stage: "bad",
      message: 'Stage "bad" failed: boom',
      cause,
    });
  });

  it.each<[string, Body, string | undefined]>([
    ["before its first await", throwing(new Error("at once")), "at once"],
    ["with no error at all", throwing(undefined), "undefined"],
    [
      "with something that cannot be shown",
      throwing({ toString: throwing(new Error()) }),
      "with a value that cannot be shown",
    ],
    ["by returning no promise", (() => undefined) as unknown as Body, undefined],
  ])("%s is no different", async (_, body, message) => {
    const run = chain([transform("bad", body)]).execute(["x"]);
    if (message === undefined) expect(await collect(run)).toEqual([]);
    else expect(await failureOf(run)).toMatchObject({ message: `Stage "bad" failed: ${message}` });
  });

  it("first has handed out what had reached the output", async () => {
    const bad = transform("bad", async (input, output) => {
      for await (const element of input) {
        await output.write(element);
        if (element.kind === "text" && element.text === "2") throw new Error("boom");
      }
    });
    const got: string[] = [];
    const run = chain([bad]).execute(numbered(10));
    await expect(
      (async () => {
        for await (const element of run) got.push(...textsOf([element]));
      })(),
    ).rejects.toThrow("boom");
    expect(got).toEqual(["0", "1", "2"]);
  });

  it("stops every other stage, those that wait for input and for room alike", async () => {
    const stopped: string[] = [];
    const waiter = (name: string, wait: "input" | "signal") =>
      transform(name, async (input, output, { signal }) => {
        try {
          if (wait === "input") for await (const element of input) await output.write(element);
          else await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
        } finally {
          stopped.push(name);
        }
      });
    const { stage } = counting("numbers");
    const pipeline = new PipelineBuilder()
      .chain(stage, waiter("full", "input"), waiter("stuck", "signal"))
      .chain(
        transform("idle", async () => {}),
        waiter("hungry", "input"),
      )
      .chain(
        source("bad", async function* () {
          yield "x";
          await new Promise((resolve) => setImmediate(resolve));
          throw new Error("boom");
        }),
        waiter("after", "input"),
      )
      .build();
    const run = pipeline.execute(
      (async function* () {
        yield await never;
      })(),
    );
    expect(await failureOf(run)).toMatchObject({ stage: "bad" });
    await run.ended;
    expect(stopped.toSorted()).toEqual(["after", "full", "hungry", "stuck"]);
    expect(run.metrics().map(({ stage: name, state }) => [name, state])).toContainEqual(["bad", "failed"]);
  });

  it("is the one that is reported, when others fail because of it", async () => {
    const sensitive = transform("sensitive", async (input) => {
      try {
        for await (const _ of input);
      } catch {
        throw new Error("a consequence");
      }
    });
    const bad = source("bad", () => {
      throw new Error("the cause");
    });
    const pipeline = new PipelineBuilder().chain(bad, sensitive).build();
    expect(await failureOf(pipeline.execute())).toMatchObject({ message: 'Stage "bad" failed: the cause' });
  });

  it("lets a stage go that waits for a reader who does not read, and keeps what had reached the output", async () => {
    const gate = Promise.withResolvers<void>();
    const bad = transform("bad", async () => {
      await gate.promise;
      throw new Error("boom");
    });
    const run = new PipelineBuilder().chain(counting("numbers").stage).chain(bad).build().execute();
    await settled(run);
    gate.resolve();
    await run.ended;
    expect(run.metrics().map(({ state }) => state)).toEqual(["stopped", "failed"]);
    const got: string[] = [];
    const reading = (async () => {
      for await (const element of run) got.push(...textsOf([element]));
    })();
    await expect(reading).rejects.toThrow("boom");
    expect(got).toEqual(Array.from({ length: 16 }, (_, i) => String(i)));
  });

  it("does not trouble who does not iterate", async () => {
    const run = chain([transform("bad", () => Promise.reject(new Error("boom")))]).execute();
    await run.ended;
    expect(run.metrics()[0]).toMatchObject({ state: "failed", errors: 1 });
  });

  it.each([
    ["something else", 7, "expected an element, got 7"],
    ["a string", "text", 'expected an element, got "text"; make one with textElement()'],
    ["nothing", undefined, "expected an element, got undefined"],
    ["an object of no kind", { kind: "smell" }, "expected an element, got an object without a known kind"],
  ])("because it writes %s is told what it wrote", async (_, written, message) => {
    const bad = transform("bad", (__, output) => output.write(written as never));
    expect(String(await failureOf(chain([bad]).execute()))).toContain(message);
  });
});

describe("a stage that misbehaves", () => {
  it("and ends early stops what nobody else reads, and the execution ends well", async () => {
    const { stage, given } = counting("numbers");
    const pipeline = chain([stage, passthrough("a"), take("three", 3), passthrough("b")]);
    expect((await pipeline.executeSync()).text).toBe("012");
    expect(given()).toBeLessThan(100);
  });

  it("and ends early while what is before it waits for input that never comes", async () => {
    const hungry = filter("none", () => false);
    const waits = Promise.withResolvers<void>();
    let left = false;
    const input = (async function* () {
      try {
        yield textElement("x");
        await new Promise((resolve) => setImmediate(resolve));
        yield textElement("y");
        waits.resolve();
        await never;
      } finally {
        left = true;
      }
    })();
    const run = chain([hungry, transform("brief", () => waits.promise)]).execute(input);
    expect(await collect(run)).toEqual([]);
    expect(left).toBe(false);
    expect(run.metrics().map(({ state }) => state)).toEqual(["completed", "completed"]);
  });

  it("and writes after its end is told so", async () => {
    let late: Promise<void> | undefined;
    const gate = Promise.withResolvers<void>();
    const stage = transform("hasty", async (_, output) => {
      late = gate.promise.then(() => output.write(textElement("late")));
      late.catch(() => {});
    });
    expect(await collect(chain([stage]).execute())).toEqual([]);
    gate.resolve();
    await expect(late).rejects.toThrow('Cannot write from stage "hasty": it has ended; await its writes');
  });

  it("and ignores its signal does not keep the caller waiting, nor the execution from ending", async () => {
    const config = new PipelineConfig().withGracefulShutdownTimeout(300);
    const deaf = stageFunc("deaf", "transform", () => never);
    const run = new PipelineBuilder(config)
      .chain(deaf)
      .chain(transform("bad", () => Promise.reject(new Error("boom"))))
      .build()
      .execute();
    expect(await failureOf(run)).toMatchObject({ stage: "bad" });
    await run.ended;
    expect(run.metrics()[0]).toMatchObject({ stage: "deaf", state: "running" });
  });

  it("and takes an element of a kind that nobody after it accepts is told who accepts what", async () => {
    const pipeline = new PipelineBuilder()
      .chain(passthrough("in"))
      .branch("in", passthrough("tts", { accepts: ["text", "message"] }), passthrough("show", { accepts: ["image"] }))
      .build();
    const audio = audioElement({ samples: new Uint8Array(2), sampleRate: 8000, format: "pcm16" });
    expect(await failureOf(pipeline.execute(audio))).toMatchObject({
      stage: "in",
      message: expect.stringContaining(
        'an element of kind "audio" from stage "in": "tts" accepts text, message, "show" accepts image',
      ) as unknown,
    });
  });

  it("is told at the input too, as an error of the input and of no stage", async () => {
    const failure = await failureOf(chain([passthrough("in", { accepts: ["image"] })]).execute("x"));
    expect(String(failure)).toContain('an element of kind "text" from the input: "in" accepts image');
    expect(failure).not.toBeInstanceOf(StageError);
  });

  it("is not, for signals: they reach every stage", async () => {
    const picky = collector("picky");
    const pipeline = chain([{ ...picky, accepts: [] }]);
    await pipeline.executeSync([endOfStreamElement()]);
    expect(textsOf(picky.got)).toEqual(["end-of-stream"]);
  });
});

describe("cancelling", () => {
  it("by leaving the loop stops every stage before it resolves", async () => {
    const { stage, given } = counting("numbers");
    const run = chain([stage, forward, passthrough("b")]).execute();
    for await (const element of run) if (textsOf([element])[0] === "5") break;
    const before = given();
    await new Promise((resolve) => setImmediate(resolve));
    expect(given()).toBe(before);
    expect(run.metrics().every(({ state }) => state === "stopped")).toBe(true);
  });

  it("by a signal gives its reason, whatever stages do with theirs", async () => {
    const abort = new AbortController();
    const deaf = transform("deaf", async (input, output) => {
      for await (const element of input) {
        try {
          await output.write(element);
        } catch {
          throw new Error("something else");
        }
      }
    });
    const reason = new Error("enough");
    const run = chain([counting("numbers").stage, deaf]).execute(undefined, { signal: abort.signal });
    const iterator = run[Symbol.asyncIterator]();
    await iterator.next();
    abort.abort(reason);
    await expect(
      (async () => {
        while (!(await iterator.next()).done);
      })(),
    ).rejects.toBe(reason);
  });

  it("by a signal that is aborted already starts nothing", async () => {
    let started = false;
    const stage = transform("a", async () => void (started = true));
    const reason = new Error("before");
    expect(await failureOf(chain([stage]).execute("x", { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(started).toBe(false);
  });

  it("leaves no listener on the caller's signal", async () => {
    const abort = new AbortController();
    const { signal } = abort;
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    Object.assign(signal, {
      addEventListener: (...args: Parameters<typeof add>) => (listeners++, add(...args)),
      removeEventListener: (...args: Parameters<typeof remove>) => (listeners--, remove(...args)),
    });
    const pipeline = chain([passthrough("a")]);
    for (let i = 0; i < 5; i++) await pipeline.executeSync("x", { signal });
    expect(listeners).toBe(0);
  });

  it("does nothing when the execution has ended", async () => {
    const run = chain([passthrough("a")]).execute("x");
    expect(textsOf(await collect(run))).toEqual(["x"]);
    run.cancel();
    expect(await collect(run)).toEqual([]);
  });

  it("calls return() on the input", async () => {
    let left = false;
    const input = (async function* () {
      try {
        for (let i = 0; ; i++) yield String(i);
      } finally {
        left = true;
      }
    })();
    const run = chain([passthrough("a")]).execute(input);
    for await (const _ of run) break;
    await expect.poll(() => left).toBe(true);
  });
});

describe("an input that is none", () => {
  it.each([
    ["a number", 42, "got 42"],
    ["null", null, "got null"],
    ["an object", { text: "hi" }, "got an object of another kind"],
    ["a promise", Promise.resolve("hi"), "got an object of another kind"],
  ])("is refused: %s", async (_, input, end) => {
    const failure = await failureOf(chain([passthrough("a")]).execute(input as never));
    expect(failure).toMatchObject({ name: "ValidationError" });
    expect(String(failure)).toContain("its input must be a text, an element, or an iterable of those, ");
    expect(String(failure)).toContain(end);
  });

  it("is refused where it is among others, as the input's and no stage's", async () => {
    const failure = await failureOf(chain([passthrough("input")]).execute(["a", 42] as never));
    expect(String(failure)).toContain("Cannot write from the input: expected an element, got 42");
  });
});

describe("an input that throws", () => {
  it("ends the execution with its own error", async () => {
    const error = new Error("no more bytes");
    const input = (function* () {
      yield "x";
      throw error;
    })();
    expect(await failureOf(chain([passthrough("a")]).execute(input))).toBe(error);
  });
});

describe("time-outs", () => {
  it("executionTimeout ends an execution that is busy, and says what its stages were doing", async () => {
    const config = new PipelineConfig().withExecutionTimeout(50);
    const slow = map("slow", async (element) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return element;
    });
    const failure = await failureOf(chain([counting("numbers").stage, slow], config).execute());
    expect(failure).toMatchObject({
      name: "TimeoutError",
      message: 'The pipeline took longer than 50 ms; not at their end: "numbers" (waiting for room), "slow" (working)',
    });
  });

  it("executionTimeout ends a flood that never waits for anything, and lets everything else have its turn", async () => {
    const config = new PipelineConfig().withExecutionTimeout(patience(100));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const pipeline = chain([counting("numbers").stage, filter("none", () => false)], config);
    await expect(pipeline.executeSync()).rejects.toMatchObject({ name: "TimeoutError" });
    clearInterval(timer);
    expect(ticks).toBeGreaterThanOrEqual(3);
  });

  it("executionTimeout does not wait for a stage that ignores its signal", async () => {
    const config = new PipelineConfig().withExecutionTimeout(20);
    const run = chain([transform("deaf", () => never)], config.withGracefulShutdownTimeout(600_000)).execute();
    expect(await failureOf(run)).toMatchObject({ name: "TimeoutError" });
  });

  it("idleTimeout ends an execution in which nothing moves", async () => {
    const config = new PipelineConfig().withIdleTimeout(50);
    const run = chain([passthrough("a")], config).execute(
      (async function* () {
        yield "x";
        await never;
      })(),
    );
    const got: string[] = [];
    await expect(
      (async () => {
        for await (const element of run) got.push(...textsOf([element]));
      })(),
    ).rejects.toMatchObject({
      name: "TimeoutError",
      message: 'No element moved in the pipeline for 50 ms; not at their end: "a" (waiting for input)',
    });
    expect(got).toEqual(["x"]);
  });

  it("idleTimeout leaves an execution alone in which something moves, however long it takes", async () => {
    const idleMs = patience(200);
    const config = new PipelineConfig().withIdleTimeout(idleMs);
    const slow = source("slow", async function* () {
      for (let i = 0; i < 12; i++) {
        await new Promise((resolve) => setTimeout(resolve, idleMs / 8));
        yield String(i);
      }
    });
    expect((await chain([slow], config).executeSync()).elements).toHaveLength(12);
  });

  it("idleTimeout starts anew when a stage says that it is at work", async () => {
    const idleMs = patience(200);
    const config = new PipelineConfig().withIdleTimeout(idleMs);
    const thinking = transform("thinking", async (_, output, { touch }) => {
      for (let i = 0; i < 12; i++) {
        await new Promise((resolve) => setTimeout(resolve, idleMs / 8));
        touch();
      }
      await output.write(textElement("done"));
    });
    expect((await chain([thinking], config).executeSync()).text).toBe("done");
  });

  it("idleTimeout ends an execution whose output nobody reads", async () => {
    const config = new PipelineConfig().withIdleTimeout(50);
    const run = chain([counting("numbers").stage], config).execute();
    await run.ended;
    expect(run.metrics()[0]).toMatchObject({ state: "stopped" });
  });
});

describe("close()", () => {
  it("lets what is under way end, and takes nothing new", async () => {
    const gate = Promise.withResolvers<void>();
    const pipeline = chain([map("wait", (element) => gate.promise.then(() => element))]);
    const result = pipeline.executeSync("x");
    await new Promise((resolve) => setImmediate(resolve));
    const closed = pipeline.close();
    expect(() => pipeline.execute()).toThrow('Cannot execute "pipeline": it has been closed');
    gate.resolve();
    await closed;
    expect((await result).text).toBe("x");
  });

  it("cancels what does not end in time", async () => {
    const config = new PipelineConfig().withGracefulShutdownTimeout(20);
    const pipeline = chain([counting("numbers").stage], config);
    const failure = failureOf(pipeline.execute());
    // Read by a loop that never ends by itself.
    await pipeline.close();
    expect(await failure).toMatchObject({ name: "AbortError", message: 'The pipeline "pipeline" was closed' });
    expect(pipeline.running).toBe(0);
  });

  it("twice is the same as once", async () => {
    const pipeline = chain([passthrough("a")]);
    const closed = pipeline.close();
    expect(pipeline.close()).toBe(closed);
    await closed;
    await pipeline[Symbol.asyncDispose]();
  });
});

describe("executeSync()", () => {
  it("collects texts, messages, the response and the usage", async () => {
    const message = (text: string, inputTokens: number, cost?: number) => ({
      kind: "message",
      message: {
        role: "assistant",
        text,
        metadata: { usage: { inputTokens, outputTokens: 2, ...(cost === undefined ? {} : { cost }) } },
      },
    });
    const pipeline = chain([passthrough("a")]);
    const result = await pipeline.executeSync([
      "a",
      { ...textElement(""), ...message("first", 3, 0.5) } as never,
      "b",
      { ...textElement(""), ...message("second", 4) } as never,
    ]);
    expect(result).toMatchObject({
      text: "ab",
      response: { text: "second" },
      usage: { inputTokens: 7, outputTokens: 4, cost: 0.5 },
    });
    expect(result.messages).toMatchObject([{ text: "first" }, { text: "second" }]);
  });

  it("answers with the texts where there is no message", async () => {
    const pipeline = chain([passthrough("a")]);
    expect((await pipeline.executeSync(["x", "y"])).response).toEqual({ role: "assistant", text: "xy" });
    expect((await pipeline.executeSync()).response).toBeUndefined();
  });

  it("rejects with the first error that comes out as an element, and stops", async () => {
    const error = new Error("soft");
    const { stage, given } = counting("numbers");
    const failing = transform("failing", async (input, output) => {
      for await (const element of input) {
        await output.write(element.kind === "text" && element.text === "3" ? errorElement(error) : element);
      }
    });
    const pipeline = chain([stage, failing, mapText("shout", (text) => text), filter("all", () => true)]);
    await expect(pipeline.executeSync()).rejects.toBe(error);
    expect(given()).toBeLessThan(200);
    expect(pipeline.running).toBe(0);
  });
});

describe("events", () => {
  async function eventsOf(stage: ReturnType<typeof transform>): Promise<PipelineEvent[]> {
    const bus = new MemoryPubSub();
    const events: PipelineEvent[] = [];
    const subscription = bus.subscribe<PipelineEvent>("pipeline.*");
    const reader = (async () => {
      for await (const { payload, ack } of subscription) {
        events.push(payload);
        ack();
      }
    })();
    const run = new PipelineBuilder(new PipelineConfig(), { name: "talk", bus })
      .chain(passthrough("a"), stage)
      .build()
      .execute("x");
    await run.ended;
    await subscription.idle();
    subscription.close();
    await reader;
    expect(bus.topics()).toEqual([]);
    expect(events.every(({ runId, pipeline }) => runId === run.id && pipeline === "talk")).toBe(true);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i));
    return events;
  }

  it("say when the pipeline and its stages start and end", async () => {
    const events = await eventsOf(forward);
    expect(events.map((event) => ("stage" in event ? `${event.type} ${event.stage}` : event.type))).toEqual([
      "pipeline.started",
      "stage.started a",
      "stage.started forward",
      "stage.completed a",
      "stage.completed forward",
      "pipeline.completed",
    ]);
    expect(events[0]).toMatchObject({ stages: ["a", "forward"] });
    expect(events.at(-1)).toMatchObject({ durationMs: expect.any(Number) as number });
  });

  it("say which stage failed, with the reason", async () => {
    const events = await eventsOf(transform("bad", () => Promise.reject(new Error("boom"))));
    expect(events.find(({ type }) => type === "stage.failed")).toMatchObject({
      stage: "bad",
      stageType: "transform",
      error: 'Stage "bad" failed: boom',
    });
    expect(events.at(-1)).toMatchObject({ type: "pipeline.failed", code: "ERR_STAGE" });
  });

  const obey: Body = async (_, __, { signal }) => void (await once(signal, "abort"));
  const complain: Body = async (_, __, { signal }) => {
    await once(signal, "abort");
    throw new Error("not now");
  };

  it.each<[string, Body]>([
    ["obeys", obey],
    ["throws when it is told to stop", complain],
    ["ignores that it is told to stop", () => never],
  ])("end each stage once: one that %s is aborted when another fails", async (_, process) => {
    const published: PipelineEvent[] = [];
    const publish = async (__: string, event: unknown): Promise<void> => void published.push(event as PipelineEvent);
    const run = new PipelineBuilder(new PipelineConfig().withGracefulShutdownTimeout(20), { bus: { publish } })
      .chain(
        transform("waits", process),
        transform("bad", () => Promise.reject(new Error("boom"))),
      )
      .build()
      .execute();
    await run.ended;
    expect(published.map((event) => ("stage" in event ? `${event.type} ${event.stage}` : event.type))).toEqual([
      "pipeline.started",
      "stage.started waits",
      "stage.started bad",
      "stage.failed bad",
      "stage.aborted waits",
      "pipeline.failed",
    ]);
    expect(published[4]).toMatchObject({ stageType: "transform", durationMs: expect.any(Number) as number, seq: 4 });
  });

  it("say that stages are aborted when the caller cancels, and completed when they were done before", async () => {
    const published: string[] = [];
    const publish = async (_: string, event: unknown): Promise<void> => {
      const told = event as PipelineEvent;
      published.push("stage" in told ? `${told.type} ${told.stage}` : told.type);
      if (published.at(-1) === "stage.completed done") controller.abort();
    };
    const controller = new AbortController();
    const run = new PipelineBuilder(new PipelineConfig(), { bus: { publish } })
      .chain(
        transform("done", async () => {}),
        transform("busy", obey),
      )
      .build()
      .execute("x", { signal: controller.signal });
    await run.ended;
    expect(published.slice(3)).toEqual(["stage.completed done", "stage.aborted busy", "pipeline.failed"]);
  });

  it.each([null, undefined, "enough", 7])(
    "say that it has failed when it was cancelled because of %s",
    async (reason) => {
      const published: PipelineEvent[] = [];
      const publish = async (_: string, event: unknown): Promise<void> => void published.push(event as PipelineEvent);
      const run = new PipelineBuilder(new PipelineConfig().withGracefulShutdownTimeout(0), { bus: { publish } })
        .chain(transform("idle", () => never))
        .build()
        .execute();
      await settled(run);
      run.cancel(reason);
      await run.ended;
      expect(published.at(-1)).toMatchObject({ type: "pipeline.failed" });
    },
  );

  it("do not hold the pipeline up when nobody acks them, nor when the bus fails", async () => {
    for (const publish of [() => never, () => Promise.reject(new Error("down"))]) {
      const pipeline = new PipelineBuilder(new PipelineConfig(), { bus: { publish } }).chain(passthrough("a")).build();
      expect((await pipeline.executeSync("x")).text).toBe("x");
    }
  });
});
