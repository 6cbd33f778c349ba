import { describe, expect, it } from "vitest";
import {
  endOfStreamElement,
  errorElement,
  passthrough,
  PipelineBuilder,
  PipelineConfig,
  type PipelineEvent,
  type PipelineRun,
  stageFunc,
  type StreamElement,
  take,
  textElement,
} from "../../src/pipeline/index.ts";

/** Stages are done one by one where waiting is measured, and rows of them at once where it is not. */
const WAYS = { "in rows": new PipelineConfig(), "one by one": new PipelineConfig().withMetrics(true) };

/** What a loop over the run throws, if it does. */
async function failureOf(run: PipelineRun, seen: StreamElement[] = []): Promise<unknown> {
  try {
    for await (const element of run) seen.push(element);
    return undefined;
  } catch (error) {
    return error;
  }
}

interface Seen {
  texts: string[];
  sources: (string | undefined)[];
  counts: string[];
  events: string[];
  failure: unknown;
}

async function observe(
  config: PipelineConfig,
  build: (builder: PipelineBuilder) => PipelineBuilder,
  input: Iterable<StreamElement>,
): Promise<Seen> {
  const events: string[] = [];
  const publish = (_: string, payload: unknown): Promise<void> => {
    const { type, stage = "" } = payload as PipelineEvent & { stage?: string };
    events.push(`${type} ${stage}`.trim());
    return Promise.resolve();
  };
  const run: PipelineRun = build(new PipelineBuilder(config, { bus: { publish } }))
    .build()
    .execute(input);
  const seen: StreamElement[] = [];
  const failure = await failureOf(run, seen);
  await run.ended;
  return {
    texts: seen.map((element) => (element.kind === "text" ? element.text : element.kind)),
    sources: seen.map(({ source }) => source),
    counts: run
      .metrics()
      .map(
        ({ stage, state, elementsIn, elementsOut, errors }) =>
          `${stage} ${state} ${elementsIn} ${elementsOut} ${errors}`,
      ),
    events: events.toSorted(),
    failure,
  };
}

function* mixed(count: number): Generator<StreamElement> {
  for (let i = 0; i < count; i++) {
    yield i % 10 === 7 ? errorElement(new Error(`error ${i}`)) : textElement(`text ${i}`);
  }
  yield endOfStreamElement();
}

const row = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => passthrough(`${prefix}${i}`));
const shout = stageFunc("shout", "transform", async (input, output) => {
  for await (const element of input)
    await output.write(element.kind === "text" ? { ...element, text: `${element.text}!` } : element);
});
const fail = stageFunc("fail", "transform", async (input, output) => {
  let left = 20;
  for await (const element of input) {
    if (--left === 0) throw new Error("enough");
    await output.write(element);
  }
});

const GRAPHS: Record<string, (builder: PipelineBuilder) => PipelineBuilder> = {
  "a row": (builder) => builder.chain(...row("a", 5)),
  "rows around another stage": (builder) => builder.chain(...row("a", 3), shout, ...row("b", 2)),
  "a row that parts and meets again": (builder) =>
    builder
      .chain(...row("a", 3))
      .chain(...row("b", 2))
      .chain(...row("c", 2))
      .chain(...row("d", 3))
      .connect("a2", "b0")
      .connect("a2", "c0")
      .connect("b1", "d0")
      .connect("c1", "d0"),
  "a row in which one takes texts only": (builder) =>
    builder.chain(...row("a", 2), passthrough("texts", { accepts: ["text"] }), ...row("b", 2)),
  "a row whose elements nobody wants any more": (builder) => builder.chain(...row("a", 3), take("first", 5)),
};

describe("stages in a row that hand everything on", () => {
  it.each(Object.keys(GRAPHS))("are the same at once and one by one: %s", async (name) => {
    const build = GRAPHS[name]!;
    const [inRows, oneByOne] = await Promise.all(Object.values(WAYS).map((way) => observe(way, build, mixed(200))));
    expect(inRows!.failure).toEqual(oneByOne!.failure);
    expect(inRows!.texts.toSorted()).toEqual(oneByOne!.texts.toSorted());
    expect(inRows!.sources).toEqual(oneByOne!.sources);
    expect(inRows!.events).toEqual(oneByOne!.events);
    // How far the stages before it get, that nobody wants any more, is a matter of buffers.
    if (!name.includes("nobody")) expect(inRows!.counts).toEqual(oneByOne!.counts);
  });

  it("keep the order, and one element in a batch that is no element is the first one's error", async () => {
    const input = [textElement("one"), { kind: "nonsense" } as unknown as StreamElement];
    const ends = await Promise.all(
      Object.values(WAYS).map(async (way) => String((await observe(way, GRAPHS["a row"]!, input)).failure)),
    );
    expect(ends[0]).toBe(ends[1]);
  });

  it.each(Object.entries(WAYS))("stop with the stage after them that fails, %s", async (_, way) => {
    const { failure, counts } = await observe(way, (builder) => builder.chain(...row("a", 3), fail), mixed(1000));
    expect(failure).toMatchObject({ name: "StageError", stage: "fail" });
    expect(counts.map((text) => text.split(" ").slice(0, 2).join(" "))).toEqual([
      "a0 stopped",
      "a1 stopped",
      "a2 stopped",
      "fail failed",
    ]);
  });

  it("take no more of their input than there is room for", async () => {
    let made = 0;
    function* endless(): Generator<StreamElement> {
      for (;;) {
        made++;
        yield textElement("element");
      }
    }
    const run = new PipelineBuilder(new PipelineConfig().withChannelBufferSize(8))
      .chain(...row("a", 10))
      .build()
      .execute(endless());
    for await (const _ of run) break;
    expect(made).toBeLessThan(10 * 2 * 8);
  });

  it("say what they wait for when nothing moves", async () => {
    const config = new PipelineConfig().withIdleTimeout(50);
    const input = (async function* () {
      yield textElement("one");
      await new Promise(() => {});
    })();
    const run = new PipelineBuilder(config)
      .chain(...row("a", 2))
      .build()
      .execute(input);
    const failure = await failureOf(run);
    expect(String(failure)).toContain('"a0" (waiting for input), "a1" (waiting for input)');
  });
});
