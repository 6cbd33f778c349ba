import { describe, expect, it } from "vitest";
import {
  audioElement,
  broadcastRouter,
  contentRouter,
  endOfStreamElement,
  hashRouter,
  merge,
  passthrough,
  PipelineBuilder,
  randomRouter,
  roundRobinRouter,
  routeAudio,
  routeContent,
  router,
  routeWhen,
  source,
  type Stage,
  textElement,
  weightedRouter,
} from "../../src/pipeline/index.ts";
import { type Collector, collector, failureOf, numbered, textsOf } from "./pipeline-fixture.ts";

const bySource = (a: string, b: string): Stage =>
  router("router", ({ source: from }) => (from === "a" ? a : from === "b" ? b : undefined));

/** 25 of each, in turns. */
const mixed = (each: number) =>
  Array.from({ length: each * 2 }, (_, i) => textElement(String(i >> 1), { source: i % 2 === 0 ? "a" : "b" }));

async function route(stage: Stage, to: string[], count: number): Promise<Record<string, number>> {
  const sinks = to.map((name) => collector(name));
  await new PipelineBuilder()
    .chain(stage)
    .branch(stage, ...sinks)
    .build()
    .executeSync(numbered(count));
  return Object.fromEntries(sinks.map(({ name, got }) => [name, got.length]));
}

describe("router()", () => {
  it("splits 25 and 25 elements by their source, each where it belongs and in order", async () => {
    const [a, b] = [collector("sinkA"), collector("sinkB")];
    const pipeline = new PipelineBuilder().chain(bySource("sinkA", "sinkB")).branch("router", a, b).build();
    const { elements } = await pipeline.executeSync(mixed(25));
    expect(elements).toEqual([]);
    const order = Array.from({ length: 25 }, (_, i) => String(i));
    expect(textsOf(a.got)).toEqual(order);
    expect(textsOf(b.got)).toEqual(order);
    expect(a.got.every(({ source: from }) => from === "a")).toBe(true);
    expect(b.got.every(({ source: from }) => from === "b")).toBe(true);
  });

  it("fans 20 elements out and in again, each with the index of the track by which it came", async () => {
    const end = collector("sink");
    const pipeline = new PipelineBuilder()
      .chain(bySource("trackA", "trackB"))
      .branch("router", passthrough("trackA"), passthrough("trackB"))
      .merge(merge("merge"), "trackA", "trackB")
      .connect("merge", end)
      .build();
    await pipeline.executeSync(mixed(10));
    expect(end.got).toHaveLength(20);
    for (const [index, name] of ["a", "b"].entries()) {
      const own = end.got.filter(({ source: from }) => from === name);
      expect(textsOf(own)).toEqual(Array.from({ length: 10 }, (_, i) => String(i)));
      expect(own.every(({ metadata }) => metadata["mergeInputIndex"] === index)).toBe(true);
    }
  });

  it("drops what it routes nowhere, unless it says otherwise", async () => {
    expect(await route(bySource("x", "y"), ["x", "y"], 3)).toEqual({ x: 0, y: 0 });
    const kept = router("router", () => [], { otherwise: "y" });
    expect(await route(kept, ["x", "y"], 3)).toEqual({ x: 0, y: 3 });
  });

  it("gives an element to all of several destinations, each a copy of its own", async () => {
    const [a, b] = [collector("a"), collector("b")];
    await new PipelineBuilder()
      .chain(router("router", () => ["a", "b"]))
      .branch("router", a, b)
      .build()
      .executeSync("x");
    expect(textsOf([...a.got, ...b.got])).toEqual(["x", "x"]);
    expect(a.got[0]).not.toBe(b.got[0]);
    expect(a.got[0]!.metadata).not.toBe(b.got[0]!.metadata);
  });

  it("gives an element once to a destination that is named twice", async () => {
    const a = collector("a");
    const pipeline = new PipelineBuilder()
      .chain(
        router("r", () => ["a", "a"]),
        a,
      )
      .build();
    await pipeline.executeSync(["x", "y"]);
    expect(textsOf(a.got)).toEqual(["x", "y"]);
  });

  it("fails, naming both stages, when it names one that it is not connected to", async () => {
    const pipeline = new PipelineBuilder()
      .chain(
        router("router", () => "elsewhere"),
        collector("a"),
      )
      .build();
    expect(await failureOf(pipeline.execute("x"))).toMatchObject({
      name: "StageError",
      stage: "router",
      message: expect.stringContaining('from stage "router" to "elsewhere": it is connected to "a"') as unknown,
    });
  });

  it("sends signals to all", async () => {
    const [a, b] = [collector("a"), collector("b")];
    await new PipelineBuilder()
      .chain(router("router", () => "a"))
      .branch("router", a, b)
      .build()
      .executeSync([textElement("x"), endOfStreamElement()]);
    expect([textsOf(a.got), textsOf(b.got)]).toEqual([["x", "end-of-stream"], ["end-of-stream"]]);
  });

  it("ends when one destination has ended, and goes on for the others", async () => {
    const b = collector("b");
    const closesEarly: Stage = { name: "a", type: "sink", process: async () => {} };
    await new PipelineBuilder()
      .chain(roundRobinRouter("router", ["a", "b"]))
      .branch("router", closesEarly, b)
      .build()
      .executeSync(numbered(100));
    expect(b.got).toHaveLength(50);
  });
});

describe("fan-in", () => {
  it("merges two sources, five of five elements tagged", async () => {
    const pipeline = new PipelineBuilder()
      .addStage(source("a", () => ["a", "a", "a"]))
      .addStage(source("b", () => ["b", "b"]))
      .merge(merge("merge"), "a", "b")
      .build();
    const { elements } = await pipeline.executeSync();
    expect(elements).toHaveLength(5);
    const tags = elements.map((element) => `${textsOf([element])[0]}${String(element.metadata["mergeInputIndex"])}`);
    expect(tags.toSorted()).toEqual(["a0", "a0", "a0", "b1", "b1"]);
  });

  it("keeps the order of each way when a fast one fills the buffer", async () => {
    const pipeline = new PipelineBuilder()
      .addStage(source("fast", () => numbered(200, "fast")))
      .addStage(
        source("slow", async function* () {
          for (const element of numbered(20, "slow")) {
            await new Promise((resolve) => setImmediate(resolve));
            yield element;
          }
        }),
      )
      .merge(merge("merge"), "fast", "slow")
      .build();
    const { elements } = await pipeline.executeSync();
    for (const [name, count] of [
      ["fast", 200],
      ["slow", 20],
    ] as const) {
      const own = elements.filter(({ source: from }) => from === name);
      expect(textsOf(own)).toEqual(Array.from({ length: count }, (_, i) => String(i)));
    }
  });
});

describe("contentRouter()", () => {
  it("takes the first rule that fits and drops the rest", async () => {
    const [texts, pcm, rest]: Collector[] = [collector("texts"), collector("pcm"), collector("rest")] as never;
    const rules = [routeContent("texts", "text"), routeAudio("pcm", "pcm16"), routeWhen("rest", () => false)];
    await new PipelineBuilder()
      .chain(contentRouter("router", rules))
      .branch("router", texts!, pcm!, rest!)
      .build()
      .executeSync([
        textElement("x"),
        audioElement({ samples: new Uint8Array(2), sampleRate: 16_000, format: "pcm16" }),
        audioElement({ samples: new Uint8Array(2), sampleRate: 16_000, format: "opus" }),
      ]);
    expect([texts!.got.length, pcm!.got.length, rest!.got.length]).toEqual([1, 1, 0]);
  });

  it('"any" takes everything', () => {
    const { when } = routeContent("x", "any");
    expect([textElement("x"), audioElement({} as never)].every(when)).toBe(true);
  });
});

describe("the ways to spread elements", () => {
  it("roundRobinRouter() gives each of three stages two of six", async () => {
    const to = ["a", "b", "c"];
    expect(await route(roundRobinRouter("router", to), to, 6)).toEqual({ a: 2, b: 2, c: 2 });
  });

  it("weightedRouter() gives nine in ten to a stage of nine times the weight", async () => {
    const counts = await route(weightedRouter("router", { heavy: 0.9, light: 0.1 }), ["heavy", "light"], 1000);
    expect(counts["heavy"]! + counts["light"]!).toBe(1000);
    // Six standard deviations of 9.5.
    expect(counts["heavy"]).toBeGreaterThan(843);
    expect(counts["heavy"]).toBeLessThan(957);
  });

  it("weightedRouter() never picks a stage of weight 0, whatever chance says", async () => {
    for (const chance of [0, 0.5, 1 - 2 ** -53]) {
      const stage = weightedRouter("router", { none: 0, some: 0.1, last: 0.2, never: 0 }, { random: () => chance });
      const counts = await route(stage, ["none", "some", "last", "never"], 5);
      expect(counts).toMatchObject({ none: 0, never: 0 });
    }
  });

  it.each([[{}], [{ a: 0 }], [{ a: -1, b: 2 }], [{ a: NaN }], [{ a: Infinity }]])(
    "weightedRouter() refuses the weights %j",
    (weights) => {
      expect(() => weightedRouter("router", weights as Record<string, number>)).toThrow(RangeError);
    },
  );

  it("randomRouter() gives either of two stages about half", async () => {
    const { a } = await route(randomRouter("router", ["a", "b"]), ["a", "b"], 1000);
    expect(a).toBeGreaterThan(400);
    expect(a).toBeLessThan(600);
  });

  it("hashRouter() gives all elements of one key to one stage, and keys to all", async () => {
    const to = ["a", "b", "c"];
    const byKey = hashRouter("router", to, () => "session-123");
    expect(Object.values(await route(byKey, to, 10)).toSorted((a, b) => a - b)).toEqual([0, 0, 10]);
    const byText = hashRouter("router", to, (element) => (element.kind === "text" ? element.text : ""));
    for (const count of Object.values(await route(byText, to, 3000))) {
      expect(count).toBeGreaterThan(800);
      expect(count).toBeLessThan(1200);
    }
  });

  it("broadcastRouter() gives everything to all", async () => {
    expect(await route(broadcastRouter("router"), ["a", "b", "c"], 3)).toEqual({ a: 3, b: 3, c: 3 });
  });

  it.each([() => roundRobinRouter("r", []), () => hashRouter("r", [], () => ""), () => randomRouter("r", [])])(
    "a router without destinations is refused",
    (make) => expect(make).toThrow(RangeError),
  );

  it("no element is lost on the way through 1,000", async () => {
    const to = ["a", "b", "c", "d"];
    const counts = await route(roundRobinRouter("router", to), to, 1000);
    expect(Object.values(counts)).toEqual([250, 250, 250, 250]);
  });
});
