import { describe, expect, it } from "vitest";
import { MemoryPubSub } from "../../src/events/index.ts";
import {
  passthrough,
  PipelineBuilder,
  PipelineConfig,
  type PipelineEvent,
  source,
  type Stage,
  take,
  textElement,
} from "../../src/pipeline/index.ts";
import { chain, collect, numbered, settled, textsOf, transform } from "./pipeline-fixture.ts";
import { patience } from "../machine/patience.ts";

const never = new Promise<never>(() => {});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A source that never waits for anything, until it has given far more than anybody wants. */
function flood(name: string): Stage {
  return source(name, function* () {
    for (let i = 0; i < 300_000; i++) yield "x";
    throw new Error("nobody has stopped it");
  });
}

/** Hands on what it gets and does not stop when it is told to. */
function deaf(name: string): Stage {
  return transform(name, async (input, output) => {
    for await (const element of input) {
      await output.write(element);
      await never;
    }
  });
}

describe("a stage that nobody listens to any more", () => {
  it("and that ignores its signal keeps neither the reader waiting nor the execution from ending", async () => {
    const config = new PipelineConfig().withGracefulShutdownTimeout(patience(600));
    const pipeline = chain([flood("numbers"), deaf("deaf"), take("one", 1)], config);
    const run = pipeline.execute();
    expect(textsOf(await collect(run))).toEqual(["x"]);
    // The execution is still waiting for it; the reader has not.
    expect(pipeline.running).toBe(1);
    await run.ended;
    expect(pipeline.running).toBe(0);
    expect(run.metrics().map(({ stage, state }) => [stage, state])).toEqual([
      ["numbers", "completed"],
      ["deaf", "running"],
      ["one", "completed"],
    ]);
  });

  it("stops together with all that it alone listens to, whatever time it takes to stop", async () => {
    const slow = transform("slow", async (input, output) => {
      try {
        for await (const element of input) await output.write(element);
      } finally {
        await pause(20);
      }
    });
    expect((await chain([flood("numbers"), passthrough("a"), slow, take("one", 1)]).executeSync()).text).toBe("x");
  });

  it("lets everything else have its turn when it writes on to stages that have ended", async () => {
    const gate = Promise.withResolvers<void>();
    const writer = transform("writer", async (_, output) => {
      let isOver = false;
      void gate.promise.then(() => (isOver = true));
      for (let i = 0; !isOver; i++) {
        if (i === 300_000) throw new Error("it has kept timers from their turn");
        await output.write(textElement("x"), { to: ["one"] });
      }
    });
    const pipeline = new PipelineBuilder().chain(writer).branch("writer", take("one", 1), passthrough("other")).build();
    setTimeout(gate.resolve, 30);
    expect((await pipeline.executeSync()).text).toBe("x");
  });

  it("does not end the process because it did not await its writes", async () => {
    const hasty = transform("hasty", async (input, output) => {
      for await (const element of input) void output.write(element);
    });
    // What is rejected and not handled fails the tests.
    expect((await chain([hasty, take("three", 3)]).executeSync(numbered(100))).text).toBe("012");
  });

  it("counts as aborted once the execution has gone on without it, and tells nothing after that", async () => {
    const bus = new MemoryPubSub();
    const types: string[] = [];
    const subscription = bus.subscribe<PipelineEvent>("pipeline.*");
    const reader = (async () => {
      for await (const { payload, ack } of subscription) {
        types.push("stage" in payload ? `${payload.type} ${payload.stage}` : payload.type);
        ack();
      }
    })();
    const gate = Promise.withResolvers<void>();
    const late = transform("late", async (_, output) => {
      await output.write(textElement("x"));
      await gate.promise;
    });
    const run = new PipelineBuilder(new PipelineConfig().withGracefulShutdownTimeout(0), { bus })
      .chain(late, take("one", 1))
      .build()
      .execute();
    await collect(run);
    await run.ended;
    gate.resolve();
    await settled(run);
    await subscription.idle();
    subscription.close();
    await reader;
    expect(types).toEqual([
      "pipeline.started",
      "stage.started late",
      "stage.started one",
      "stage.completed one",
      "stage.aborted late",
      "pipeline.completed",
    ]);
  });
});

describe("an input that nobody wants any more", () => {
  it("is told so while it is being waited for", async () => {
    let left = 0;
    const input: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => never,
        return: async () => {
          left++;
          return { done: true, value: undefined };
        },
      }),
    };
    const run = chain([passthrough("a")]).execute(input);
    await settled(run);
    run.cancel();
    await run.ended;
    expect(left).toBe(1);
  });

  it("ends with the execution that reads it, where it is one itself", async () => {
    const inner = chain([
      transform(
        "idle",
        (_, __, { signal }) =>
          new Promise((___, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
      ),
    ]);
    const run = chain([passthrough("a")]).execute(inner.execute("x"));
    await settled(run);
    expect(inner.running).toBe(1);
    run.cancel();
    await run.ended;
    await expect.poll(() => inner.running).toBe(0);
  });

  it("is not told so when it has come to its end", async () => {
    let left = 0;
    const input: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        return: async () => {
          left++;
          return { done: true, value: undefined };
        },
      }),
    };
    expect(await collect(chain([passthrough("a")]).execute(input))).toEqual([]);
    expect(left).toBe(0);
  });
});
