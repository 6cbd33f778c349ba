import { describe, expect, it } from "vitest";
import {
  mapText,
  passthrough,
  PipelineBuilder,
  PipelineConfig,
  roundRobinRouter,
  sink,
  source,
  take,
  type Stage,
} from "../../src/pipeline/index.ts";
import { collector, textsOf } from "./pipeline-fixture.ts";

function problemOf(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    expect(error).toMatchObject({ name: "ConfigError", code: "ERR_PIPELINE" });
    return (error as Error).message;
  }
  throw new Error("It was built");
}

const stages = (...names: string[]): Stage[] => names.map((name) => passthrough(name));

describe("PipelineBuilder", () => {
  it("chains stages in the order in which they are given", async () => {
    const pipeline = new PipelineBuilder()
      .chain(
        mapText("a", (text) => `${text}a`),
        mapText("b", (text) => `${text}b`),
      )
      .build();
    expect((await pipeline.executeSync("x")).text).toBe("xab");
    expect(pipeline.stages).toEqual(["a", "b"]);
  });

  it("chain() takes names of stages that are there", async () => {
    const [a, b] = stages("a", "b");
    const pipeline = new PipelineBuilder()
      .addStage(a!)
      .chain(
        "a",
        b!,
        mapText("c", (text) => `${text}!`),
      )
      .build();
    expect((await pipeline.executeSync("x")).text).toBe("x!");
  });

  it.each<[string, (builder: PipelineBuilder) => PipelineBuilder, string]>([
    ["no stages", (builder) => builder, "it has no stages: chain() some"],
    ["two stages of one name", (builder) => builder.chain(...stages("a", "a")), '2 stages are named "a"'],
    ["a stage without a name", (builder) => builder.chain(passthrough("")), "stage 1 has no name"],
    [
      "something that is not a stage",
      (builder) => builder.addStage({ name: "a", type: "transform" } as never),
      '"a" is not a stage: it has no process()',
    ],
    ["nothing at all", (builder) => builder.chain(undefined as never), "stage 1 has no name"],
    [
      "a function",
      (builder) => builder.chain(((text: string) => text) as never),
      "stage 1 is a function: make a stage of it with map() or stageFunc()",
    ],
    [
      "an array of stages",
      (builder) => builder.chain(stages("a", "b") as never),
      "stage 1 is an array: chain(...stages) takes stages one by one",
    ],
    [
      "a kind that there is not",
      (builder) => builder.chain(passthrough("a", { accepts: ["txt"] as never })),
      '"a" accepts ["txt"]: it must be an array of text, audio, video, image, message, tool-call, parts, data',
    ],
    [
      "a kind that is no array",
      (builder) => builder.chain(passthrough("a", { accepts: "text" as never })),
      '"a" accepts "text": it must be an array of',
    ],
    [
      "a type that there is not",
      (builder) => builder.chain({ ...passthrough("a"), type: "magic" } as never),
      '"a" has the type "magic": it must be one of transform, accumulate, generate, sink, bidirectional',
    ],
    [
      "a connection to nobody",
      (builder) => builder.chain(...stages("tts")).connect("tts", "sink"),
      'no stage is named "sink", which is connected from "tts"',
    ],
    [
      "a connection from nobody",
      (builder) => builder.chain(...stages("a")).branch("missing", "a"),
      'no stage is named "missing", which is connected to "a"',
    ],
    [
      "a connection that is made twice",
      (builder) => builder.chain(...stages("a", "b")).merge("b", "a"),
      '"a" is connected to "b" twice',
    ],
    [
      "a cycle",
      (builder) => builder.chain(...stages("a", "b", "c")).connect("c", "b"),
      "its stages form a cycle: b -> c -> b",
    ],
    ["a stage that is connected to itself", (builder) => builder.chain("a", "a").addStage(passthrough("a")), "a -> a"],
    [
      "more inputs than a stage takes",
      (builder) =>
        builder
          .chain(...stages("a"))
          .chain(...stages("b"))
          .merge(passthrough("one", { maxInputs: 1 }), "a", "b"),
      '2 stages are connected into "one", which takes 1 at most',
    ],
    [
      "an input into a source",
      (builder) =>
        builder.chain(
          passthrough("a"),
          source("numbers", () => []),
        ),
      '1 stages are connected into "numbers", which takes 0 at most',
    ],
    [
      "a destination that is not connected",
      (builder) => builder.chain(roundRobinRouter("router", ["a", "b"]), passthrough("a")),
      '"router" hands elements to "b" but is not connected to it',
    ],
  ])("build() refuses %s", (_, add, problem) => {
    expect(problemOf(() => add(new PipelineBuilder()).build())).toContain(problem);
  });

  it.each([
    ["channelBufferSize", 0, new PipelineConfig().withChannelBufferSize(0)],
    ["channelBufferSize", 1.5, new PipelineConfig().withChannelBufferSize(1.5)],
    ["executionTimeoutMs", -1, new PipelineConfig().withExecutionTimeout(-1)],
    ["idleTimeoutMs", NaN, new PipelineConfig().withIdleTimeout(NaN)],
    ["gracefulShutdownTimeoutMs", Infinity, new PipelineConfig().withGracefulShutdownTimeout(Infinity)],
    ["maxConcurrentExecutions", 0, new PipelineConfig().withMaxConcurrentExecutions(0)],
  ])("build() refuses a %s of %s", (name, value, config) => {
    const message = problemOf(() => new PipelineBuilder(config).chain(passthrough("a")).build());
    expect(message).toContain(`${name} must be a whole number from`);
    expect(message).toContain(`got ${value}`);
  });

  it.each([
    ["priorityQueue", new PipelineConfig().withPriorityQueue("no" as never)],
    ["metrics", new PipelineConfig().withMetrics(1 as never)],
    ["tracing", new PipelineConfig().withTracing(null as never)],
  ])("build() refuses a %s that is neither true nor false", (name, config) => {
    expect(problemOf(() => new PipelineBuilder(config).chain(passthrough("a")).build())).toContain(
      `${name} must be true or false, got `,
    );
  });

  it("build() refuses a configuration that is none", () => {
    const builder = new PipelineBuilder({ channelBufferSize: 3 } as never).chain(passthrough("a"));
    expect(problemOf(() => builder.build())).toContain("its configuration must be a PipelineConfig");
  });

  it.each([-1, 1.5, NaN, "3"])("take() refuses a count of %s", (count) => {
    expect(() => take("t", count as number)).toThrow(`count must be a whole number from 0, got ${count}`);
  });

  it("build() says all that is wrong at once", () => {
    const builder = new PipelineBuilder(new PipelineConfig().withChannelBufferSize(0))
      .chain(...stages("a", "b"))
      .connect("b", "a")
      .connect("b", "nowhere")
      .addStage(passthrough("a"));
    const [head, ...lines] = problemOf(() => builder.build()).split("\n");
    expect(head).toBe("Cannot build the pipeline:");
    expect(lines).toEqual([
      "- channelBufferSize must be a whole number from 1 to 2147483647, got 0",
      '- 2 stages are named "a"',
      '- no stage is named "nowhere", which is connected from "b"',
      "- its stages form a cycle: a -> b -> a",
    ]);
  });

  it("build() finds a cycle at the end of a chain of 20,000 stages", () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `s${i}`);
    const chain = stages(...names);
    const builder = new PipelineBuilder();
    for (const stage of chain) builder.addStage(stage);
    builder.chain("s19999", "s19998", "s19999");
    expect(problemOf(() => builder.build())).toContain("cycle: s19999 -> s19998 -> s19999");
  });

  it("clone() goes its own way", async () => {
    const first = new PipelineBuilder().chain(passthrough("a"));
    const second = first.clone().connect(
      "a",
      mapText("b", (text) => `${text}b`),
    );
    expect((await first.build().executeSync("x")).text).toBe("x");
    expect((await second.build().executeSync("x")).text).toBe("xb");
  });

  it("build() gives a pipeline that later changes of the builder do not touch", async () => {
    const builder = new PipelineBuilder().chain(passthrough("a"));
    const pipeline = builder.build();
    builder.connect(
      "a",
      mapText("b", () => "changed"),
    );
    expect((await pipeline.executeSync("x")).text).toBe("x");
  });

  it("branch() gives each element to every stage that accepts its kind", async () => {
    const texts = { ...collector("texts"), accepts: ["text"] as const };
    const all = collector("all");
    const audio = { ...collector("audio"), accepts: ["audio"] as const };
    const pipeline = new PipelineBuilder().chain(passthrough("in")).branch("in", texts, all, audio).build();
    await pipeline.executeSync(["x", { kind: "audio", audio: {} } as never]);
    expect(textsOf(texts.got)).toEqual(["x"]);
    expect(textsOf(all.got)).toEqual(["x", "audio"]);
    expect(textsOf(audio.got)).toEqual(["audio"]);
  });
});

describe("PipelineConfig", () => {
  it("has the documented defaults", () => {
    expect(Object.fromEntries(Object.entries(new PipelineConfig()))).toEqual({
      channelBufferSize: 16,
      priorityQueue: false,
      executionTimeoutMs: 0,
      idleTimeoutMs: 0,
      gracefulShutdownTimeoutMs: 10_000,
      maxConcurrentExecutions: 100,
      metrics: false,
      tracing: false,
    });
  });

  it("gives changed copies and stays as it is", () => {
    const config = new PipelineConfig();
    const changed = config.withPriorityQueue(true).withMetrics(true).withTracing(true).withChannelBufferSize(3);
    expect(changed).toMatchObject({ priorityQueue: true, metrics: true, tracing: true, channelBufferSize: 3 });
    expect(config).toMatchObject({ priorityQueue: false, metrics: false, tracing: false, channelBufferSize: 16 });
  });
});

describe("toMermaid()", () => {
  it("draws stages, connections, input and output", () => {
    const pipeline = new PipelineBuilder()
      .chain(
        passthrough("in"),
        mapText("up", (text) => text),
      )
      .branch(
        "in",
        sink("log", () => {}),
      )
      .build();
    expect(pipeline.toMermaid()).toBe(
      [
        "flowchart LR",
        "  input((input))",
        '  s0["in<br/>transform"]',
        '  s1["up<br/>transform"]',
        '  s2[("log<br/>sink")]',
        "  output((output))",
        "  input --> s0",
        "  s0 --> s1",
        "  s0 --> s2",
        "  s1 --> output",
        "  s2 --> output",
      ].join("\n"),
    );
  });

  it("writes what would mean something in a label as entities", () => {
    const pipeline = new PipelineBuilder().chain(passthrough('a"]; click <b> & é')).build();
    expect(pipeline.toMermaid()).toContain('s0["a#34;#93;#59; click #60;b#62; #38; é<br/>transform"]');
  });

  it("has the figures of an execution", async () => {
    const run = new PipelineBuilder(new PipelineConfig().withMetrics(true))
      .chain(passthrough("a"))
      .build()
      .execute(["x", "y"]);
    for await (const _ of run);
    expect(run.toMermaid()).toMatch(
      /s0\["a<br\/>transform<br\/>2 in, 2 out<br\/>[\d.]+ ms working, queue up to [12]"\]/,
    );
  });
});
