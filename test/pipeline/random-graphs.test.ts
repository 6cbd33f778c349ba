import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  accumulate,
  filter,
  map,
  passthrough,
  PipelineBuilder,
  PipelineConfig,
  type Stage,
  type StreamElement,
  type StreamPipeline,
  textElement,
} from "../../src/pipeline/index.ts";
import { settled, transform } from "./pipeline-fixture.ts";

/** A graph: for each stage what it does, and to which later stages it is connected. */
interface Drawn {
  kinds: Kind[];
  edges: [number, number][];
  bufferSize: number;
  priority: boolean;
  count: number;
}

const KINDS = ["passthrough", "one by one", "slow", "batches"] as const;
type Kind = (typeof KINDS)[number];

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function stageOf(kind: Kind, name: string): Stage {
  switch (kind) {
    case "passthrough":
      return passthrough(name);
    case "one by one":
      return map(name, (element) => element);
    case "slow":
      return transform(name, async (input, output) => {
        for await (const element of input) {
          await turn();
          await output.write(element);
        }
      });
    case "batches":
      return transform(name, async (input, output) => {
        for (let held = await input.readBatch(); held !== undefined; held = await input.readBatch()) {
          await turn();
          await output.writeBatch(held);
        }
      });
  }
}

const drawn: fc.Arbitrary<Drawn> = fc.integer({ min: 1, max: 9 }).chain((size) =>
  fc.record({
    kinds: fc.array(fc.constantFrom(...KINDS), { minLength: size, maxLength: size }),
    edges: fc
      .uniqueArray(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 14, selector: String })
      .map((pairs) => pairs.filter(([from, to]) => from < to)),
    bufferSize: fc.integer({ min: 1, max: 20 }),
    priority: fc.boolean(),
    count: fc.integer({ min: 0, max: 60 }),
  }),
);

function build({ kinds, edges, bufferSize, priority }: Drawn): StreamPipeline {
  const config = new PipelineConfig()
    .withChannelBufferSize(bufferSize)
    .withPriorityQueue(priority)
    .withTracing(true)
    .withMetrics(true);
  const builder = new PipelineBuilder(config);
  kinds.forEach((kind, i) => builder.addStage(stageOf(kind, `s${i}`)));
  for (const [from, to] of edges) builder.connect(`s${from}`, `s${to}`);
  return builder.build();
}

/** Every way through the graph, from a stage that nothing leads into to one that leads nowhere. */
function waysOf({ kinds, edges }: Drawn): string[] {
  const from = (stage: number): string[] => {
    const next = edges.filter(([source]) => source === stage).map(([, to]) => to);
    return next.length === 0 ? [`s${stage}`] : next.flatMap((to) => from(to).map((rest) => `s${stage} ${rest}`));
  };
  return kinds.flatMap((_, i) => (edges.some(([, to]) => to === i) ? [] : from(i)));
}

const numbers = (count: number): StreamElement[] => Array.from({ length: count }, (_, i) => textElement(String(i)));
const numberOf = (element: StreamElement): number => Number(element.kind === "text" ? element.text : NaN);

describe("any graph of stages", () => {
  it("hands every element once along every way, in order, and leaves nothing", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async (graph) => {
        const pipeline = build(graph);
        const { elements, trace, metrics } = await pipeline.executeSync(numbers(graph.count));
        const byWay = Map.groupBy(elements.keys(), (i) => trace[i]!.map(({ stage }) => stage).join(" "));
        const expected = graph.count === 0 ? [] : waysOf(graph);
        expect([...byWay.keys()].toSorted()).toEqual(expected.toSorted());
        for (const indices of byWay.values()) {
          const got = indices.map((i) => numberOf(elements[i]!));
          expect(got).toEqual(Array.from({ length: graph.count }, (_, i) => i));
        }
        for (const { maxQueueDepth, queueDepth, state, elementsIn, elementsOut } of metrics) {
          expect({ queueDepth, state }).toEqual({ queueDepth: 0, state: "completed" });
          expect(elementsIn).toBe(elementsOut);
          // Each stage before it may wait with one more.
          expect(maxQueueDepth).toBeLessThanOrEqual(graph.bufferSize + Math.max(1, graph.kinds.length));
        }
        expect(pipeline.running).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it("holds a bounded number of elements while nobody reads", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async (graph) => {
        let given = 0;
        const endless = (function* () {
          for (;;) yield textElement(String(given++));
        })();
        const run = build(graph).execute(endless);
        await settled(run);
        // The buffer of each stage and of the output, as many in its hands, and one that waits for room.
        expect(given).toBeLessThanOrEqual((graph.kinds.length + 1) * (2 * graph.bufferSize + 2));
        run.cancel();
        await run.ended;
        expect(run.metrics().every(({ state }) => state === "stopped")).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("ends with the failure of any of its stages, and leaves nothing", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, fc.nat(8), fc.nat(20), async (graph, which, after) => {
        const failing = which % graph.kinds.length;
        const builder = new PipelineBuilder(new PipelineConfig().withChannelBufferSize(graph.bufferSize));
        graph.kinds.forEach((kind, i) => {
          let left = after;
          const fail = map(`s${i}`, (element) => {
            if (left-- === 0) throw new Error("boom");
            return element;
          });
          builder.addStage(i === failing ? fail : stageOf(kind, `s${i}`));
        });
        for (const [from, to] of graph.edges) builder.connect(`s${from}`, `s${to}`);
        const pipeline = builder.build();
        const run = pipeline.execute(numbers(1000));
        await expect(
          (async () => {
            for await (const _ of run);
          })(),
        ).rejects.toMatchObject({ name: "StageError", stage: `s${failing}` });
        await run.ended;
        expect(pipeline.running).toBe(0);
        const states = run.metrics().map(({ state }) => state);
        expect(states.filter((state) => state === "failed")).toHaveLength(1);
        expect(states).not.toContain("running");
      }),
      { numRuns: 60 },
    );
  });

  it("may filter and gather on the way", async () => {
    const pipeline = new PipelineBuilder()
      .chain(
        filter("even", (element) => numberOf(element) % 2 === 0),
        accumulate("sum", (elements) => String(elements.reduce((sum, element) => sum + numberOf(element), 0))),
      )
      .build();
    expect((await pipeline.executeSync(numbers(11))).text).toBe("30");
  });
});
