import { describe, expect, it } from "vitest";
import { timeSource, withTimeSource } from "../../src/base/time/time-source.ts";
import { VirtualClock } from "../../src/engine/time/virtual-clock.ts";
import {
  accumulate,
  errorElement,
  mapText,
  merge,
  passthrough,
  PipelineBuilder,
  PipelineConfig,
  sink,
  source,
  type StageMetrics,
  textElement,
  traceOf,
} from "../../src/pipeline/index.ts";
import { chain, collect, counting, numbered, settled, transform } from "./pipeline-fixture.ts";

/** Time passes only by what is waited for, so that what is measured is the same on every machine. */
const inVirtualTime = (test: () => Promise<void>) => () => withTimeSource(new VirtualClock({ now: 0, seed: 1 }), test);
const pause = (ms: number) => timeSource().sleep(ms, new AbortController().signal);
const measured = new PipelineConfig().withMetrics(true);
const traced = new PipelineConfig().withTracing(true);

function of(metrics: readonly StageMetrics[], name: string): StageMetrics {
  return metrics.find(({ stage }) => stage === name)!;
}

describe("metrics()", () => {
  it("counts elements in and out, and errors", async () => {
    const double = mapText("double", (text) => [text, text]);
    const { metrics } = await chain([double, sink("end", () => {})], measured).executeSync(numbered(10));
    expect(of(metrics, "double")).toMatchObject({ elementsIn: 10, elementsOut: 20, errors: 0, state: "completed" });
    expect(of(metrics, "end")).toMatchObject({ elementsIn: 20, elementsOut: 0 });
    const run = chain([passthrough("a")], measured).execute([errorElement(new Error("soft")), textElement("x")]);
    await collect(run);
    expect(of(run.metrics(), "a")).toMatchObject({ elementsIn: 2, elementsOut: 2, errors: 1 });
  });

  it(
    "tells working from waiting for input and from waiting for room",
    inVirtualTime(async () => {
      const slowSource = source("source", async function* () {
        for (let i = 0; i < 10; i++) {
          await pause(10);
          yield String(i);
        }
      });
      const starving = await chain([slowSource, passthrough("quick")], measured).executeSync();
      const shares = { waitingForInputMs: 100, waitingForOutputMs: 0, workingMs: 0, elapsedMs: 100 };
      expect(of(starving.metrics, "quick")).toMatchObject(shares);

      const slowSink = sink("slow", () => pause(10));
      const full = await chain(
        [source("quick", () => numbered(10)), slowSink],
        measured.withChannelBufferSize(1),
      ).executeSync();
      // The first element is worked on, and the channel holds the next.
      expect(of(full.metrics, "quick")).toMatchObject({ waitingForOutputMs: 80, workingMs: 0, elapsedMs: 80 });
      expect(of(full.metrics, "slow")).toMatchObject({ workingMs: 100, waitingForInputMs: 0, elapsedMs: 100 });
    }),
  );

  it(
    "counts the waiting of several loops over one input once, and while it lasts",
    inVirtualTime(async () => {
      const gate = Promise.withResolvers<void>();
      const shared = transform("shared", async (input, output) => {
        const read = async (): Promise<void> => {
          for await (const element of input) await output.write(element);
        };
        await Promise.all([read(), read(), read()]);
      });
      const input = (async function* () {
        yield "a";
        await gate.promise;
        yield "b";
      })();
      const run = chain([shared], measured).execute(input);
      await pause(30);
      const shares = { waitingForInputMs: 30, workingMs: 0, elapsedMs: 30 };
      expect(of(run.metrics(), "shared")).toMatchObject({ ...shares, state: "running" });
      gate.resolve();
      await collect(run);
      expect(of(run.metrics(), "shared")).toMatchObject({ ...shares, state: "completed" });
    }),
  );

  it(
    "tells no waiting from working without withMetrics(true)",
    inVirtualTime(async () => {
      const slow = source("slow", async function* () {
        await pause(10);
        yield "x";
      });
      const { metrics } = await chain([slow, passthrough("a")]).executeSync();
      const shares = { waitingForInputMs: 0, waitingForOutputMs: 0, workingMs: 10, elapsedMs: 10 };
      expect(of(metrics, "a")).toMatchObject(shares);
    }),
  );

  it("shows how many elements wait, now and at most", async () => {
    const run = chain([counting("numbers").stage, transform("stuck", () => new Promise(() => {}))], measured).execute();
    await settled(run);
    expect(of(run.metrics(), "stuck")).toMatchObject({ queueDepth: 17, maxQueueDepth: 17, state: "running" });
    run.cancel();
  });

  it("adds up: working and waiting are the elapsed time", async () => {
    const { metrics } = await chain([passthrough("a"), passthrough("b")], measured).executeSync(numbered(1000));
    for (const { elapsedMs, workingMs, waitingForInputMs, waitingForOutputMs } of metrics) {
      expect(workingMs + waitingForInputMs + waitingForOutputMs).toBeCloseTo(elapsedMs, 3);
    }
  });
});

describe("withTracing(true)", () => {
  it("notes the way of each element, with times that only grow", async () => {
    const pipeline = chain(
      [
        passthrough("a"),
        transform("slow", async (input, output) => {
          for await (const element of input) {
            await pause(5);
            await output.write(element);
          }
        }),
        passthrough("b"),
      ],
      traced,
    );
    const { trace } = await pipeline.executeSync(numbered(3));
    expect(trace).toHaveLength(3);
    for (const way of trace) {
      expect(way.map(({ stage }) => stage)).toEqual(["a", "slow", "b"]);
      const times = way.flatMap(({ enteredMs, leftMs }) => [enteredMs, leftMs]);
      expect(times).toEqual(times.toSorted((x, y) => x - y));
      const [, slow] = way;
      expect(slow!.leftMs - slow!.enteredMs).toBeGreaterThan(3);
    }
  });

  it("goes on in what a stage makes anew from what it took last", async () => {
    const joined = accumulate("joined", (elements) => textElement(`${elements.length}`));
    const { trace } = await chain([passthrough("a"), joined], traced).executeSync(numbered(3));
    expect(trace.map((way) => way.map(({ stage }) => stage))).toEqual([["a", "joined"]]);
  });

  it("differs for the copies of several branches", async () => {
    const pipeline = new PipelineBuilder(traced)
      .chain(passthrough("in"))
      .branch("in", passthrough("left"), passthrough("right"))
      .merge(merge("out"), "left", "right")
      .build();
    const { trace } = await pipeline.executeSync("x");
    const ways = trace.map((way) => way.map(({ stage }) => stage).join(" "));
    expect(ways.toSorted()).toEqual(["in left out", "in right out"]);
  });

  it("is off by default", async () => {
    const { elements, trace } = await chain([passthrough("a")]).executeSync("x");
    expect(trace).toEqual([[]]);
    expect(traceOf(elements[0]!)).toEqual([]);
  });
});
