import { defineStep, type DefinedStep, valuesOf } from "../steps/define-step.ts";
import type { Step, StepContext } from "../steps/step.ts";
import type { StageOptions } from "./basic-stages.ts";
import { contentOf, elementOf, isControl, type StreamElement } from "./elements/element.ts";
import type { PipelineInput } from "./run/input-feeder.ts";
import type { PipelineRun } from "./run/pipeline-run.ts";
import type { Stage } from "./stage.ts";
import type { StreamPipeline } from "./stream-pipeline.ts";

/**
 * A step as a stage: it is run once for the content of each element, in order, and each of its results becomes an
 * element: strings are texts, messages are messages, all else is data. Signals pass as they are.
 *
 * @example
 * const double = stageFromStep("double", doubleStep);
 */
export function stageFromStep<O>(name: string, step: Step<never, O>, options?: StageOptions): Stage {
  return {
    name,
    type: "transform",
    ...options,
    async process(input, output, { signal, touch }) {
      for await (const element of input) {
        if (isControl(element)) {
          await output.write(element);
          continue;
        }
        const { metadata, priority } = element;
        for await (const value of valuesOf(step.start({ signal }, contentOf(element) as never))) {
          touch();
          await output.write(elementOf(value, { metadata, priority }));
        }
      }
    },
  };
}

export interface PipelineStepOptions {
  /** The step's type in events and metadata; default the pipeline's name. */
  name?: string;
}

/**
 * A pipeline as a step: its input is the pipeline's, an array being one element after the other; each element of content
 * that comes out is a result. An error that comes out as an element is the run's. `metadata.stages` holds the figures of
 * the stages.
 *
 * @example
 * const step = stepFromPipeline(new PipelineBuilder().chain(mapText("shout", (text) => text.toUpperCase())).build());
 * await step.start({}, ["a", "b"]).return(); // [{ ok: true, value: "A" }, { ok: true, value: "B" }]
 */
export function stepFromPipeline(pipeline: StreamPipeline, { name }: PipelineStepOptions = {}): DefinedStep {
  return defineStep({
    name: name ?? pipeline.name,
    many: true,
    async *run(input, context) {
      yield* resultsOf(pipeline.execute(toInput(input), { signal: context.signal }), context);
    },
  });
}

/** The results of an execution for the run of a step. */
export async function* resultsOf(run: PipelineRun, { metadata }: Pick<StepContext, "metadata">): AsyncGenerator {
  try {
    for await (const element of run) {
      if (element.kind === "error") throw element.error;
      if (!isControl(element)) yield contentOf(element);
    }
  } finally {
    metadata["stages"] = run.metrics();
  }
}

/** What a step was given, as a pipeline's input: elements are what they are, values become some. */
function toInput(input: unknown): PipelineInput {
  const values: unknown[] = Array.isArray(input) ? input : [input];
  return values.map((value) => (isDrawn(value) ? value : elementOf(value)));
}

/** Was it made by one of the element functions? A value that merely looks so has no time. */
function isDrawn(value: unknown): value is StreamElement {
  const { kind, time, priority } = (value ?? {}) as Partial<StreamElement>;
  return typeof kind === "string" && typeof time === "number" && typeof priority === "string";
}
