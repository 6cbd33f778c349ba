import {
  type ElementReader,
  type ElementWriter,
  PipelineBuilder,
  type PipelineConfig,
  type PipelineRun,
  source,
  type Stage,
  type StageContext,
  stageFunc,
  type StreamElement,
  type StreamPipeline,
  textElement,
} from "../../src/pipeline/index.ts";

/** Elements whose texts are the numbers from 0. */
export function numbered(count: number, from?: string): StreamElement[] {
  return Array.from({ length: count }, (_, i) => textElement(String(i), from === undefined ? {} : { source: from }));
}

export function textsOf(elements: readonly StreamElement[]): string[] {
  return elements.map((element) => (element.kind === "text" ? element.text : element.kind));
}

/** Reads an execution to its end. */
export async function collect(run: AsyncIterable<StreamElement>): Promise<StreamElement[]> {
  const elements: StreamElement[] = [];
  for await (const element of run) elements.push(element);
  return elements;
}

export interface Collector extends Stage {
  readonly got: StreamElement[];
}

/** A sink that remembers what it gets, over all executions. */
export function collector(name: string): Collector {
  const got: StreamElement[] = [];
  const process = async (input: ElementReader): Promise<void> => {
    for await (const element of input) got.push(element);
  };
  return { ...stageFunc(name, "sink", process), got };
}

export function chain(stages: Stage[], config?: PipelineConfig): StreamPipeline {
  return new PipelineBuilder(config).chain(...stages).build();
}

/** A source of numbers that counts how many it has given. */
export function counting(name: string, limit = Infinity): { stage: Stage; given: () => number } {
  let given = 0;
  const stage = source(name, function* () {
    while (given < limit) yield String(given++);
  });
  return { stage, given: () => given };
}

export type Body = (input: ElementReader, output: ElementWriter, context: StageContext) => Promise<void>;

export function transform(name: string, body: Body): Stage {
  return stageFunc(name, "transform", body);
}

/** What iterating an execution throws. */
export async function failureOf(run: AsyncIterable<StreamElement>): Promise<unknown> {
  try {
    await collect(run);
  } catch (error) {
    return error;
  }
  throw new Error("The execution did not fail");
}

/** Resolves when everything that can go on without new input has gone on. */
export async function settled(run: PipelineRun): Promise<void> {
  for (let before = -1, now = 0; now !== before;) {
    before = now;
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    now = run.metrics().reduce((sum, { elementsIn, elementsOut }) => sum + elementsIn + elementsOut, 0);
  }
}
