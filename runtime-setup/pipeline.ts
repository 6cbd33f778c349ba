import { OPS } from "../src/shared/contract/ops.ts";
import { abortable } from "../src/base/abortable.ts";
import { createDeferred, type Deferred } from "../src/base/deferred.ts";
import { timeSource } from "../src/base/time/time-source.ts";
import { estimateBytes } from "../src/base/estimate-bytes.ts";
import type { SetupFunction } from "../src/engine/engine.ts";
import { keptStep } from "../src/engine/execution/kept-step.ts";
import { parseFields } from "../src/engine/guest-messages.ts";
import { stageFunc } from "../src/pipeline/basic-stages.ts";
import { contentOf, isControl, type StreamElement } from "../src/pipeline/elements/element.ts";
import { PipelineBuilder } from "../src/pipeline/graph/pipeline-builder.ts";
import { PipelineConfig } from "../src/pipeline/graph/pipeline-config.ts";
import type { ElementWriter, Stage } from "../src/pipeline/stage.ts";
import { resultsOf } from "../src/pipeline/step-stages.ts";
import type { StreamPipeline } from "../src/pipeline/stream-pipeline.ts";
import type { DrawnMetrics } from "../src/pipeline/graph/to-mermaid.ts";
import { GeppettoError } from "../src/shared/errors.ts";
import { MAX_FRAME_CHARS } from "../src/shared/frames.ts";
import { stageFunctionName, type PlannedStage } from "../src/shared/pipeline-plan.ts";
import { refuseWrong } from "../src/shared/wrong-option.ts";
import type { StepContext, StepSource } from "../src/steps/step.ts";
import { parseElement } from "./carried-elements.ts";
import { orderlyProcess } from "./orderly-stage.ts";

/** Makes a stage of the host's for one pipeline; its name there is the script's to say. */
export type CreateStage = () => Stage;

export interface PipelineSettings {
  /** Stages of the host's that scripts may use by name; each is made anew for each chain, picture and execution. */
  stages?: Readonly<Record<string, CreateStage>>;
}

/** Most stages of one pipeline of a script's, and connections between them. */
const MAX_STAGES = 100;
const MAX_EDGES = 1_000;
const MAX_NAME = 100;

/**
 * `pipeline`: chains the functions of a script, steps, and stages of the host's. The elements flow on the host; a
 * script's function is called for each, with its content.
 */
export function setupPipeline(settings: PipelineSettings = {}): SetupFunction {
  refuseWrong("set up pipelines", settings, { stages: true });
  const { stages = {} } = settings;
  const plans = new PlanBuilder(stages);
  return function pipeline(vm) {
    vm.host.setOp(OPS.pipeline_draw, (args) => plans.draw(parseFields(args)));
    vm.host.registerStep("pipeline", plans.source);
    vm.host.later(vm.install("pipeline"));
  };
}

interface GuestPipelineRun {
  context: StepContext;
  /** What became of the results, where a stage must know. */
  results: TakenResults | undefined;
}

/** The results that the last stage has written, and those that the run has taken. */
class TakenResults {
  #untaken = 0;
  #waiter: Deferred<void> | undefined;

  noteWritten(): void {
    this.#untaken++;
  }

  noteTaken(): void {
    if (--this.#untaken > 0) return;
    this.#waiter?.resolve();
    this.#waiter = undefined;
  }

  async allTaken(): Promise<void> {
    if (this.#untaken <= 0) return;
    this.#waiter ??= createDeferred();
    await this.#waiter.promise;
  }
}

/** Makes pipelines of what guests say of theirs; all of that is attacker-made. */
class PlanBuilder {
  readonly source: StepSource;
  readonly #hostStages: Readonly<Record<string, CreateStage>>;

  constructor(hostStages: Readonly<Record<string, CreateStage>>) {
    this.#hostStages = hostStages;
    const build = this.#build.bind(this);
    const info = { type: "pipeline", inputType: "any", outputType: "any", kind: "list" } as const;
    const flow: StepSource["run"] = async function* flow(input, context) {
      const { plan, elements } = parseFields(input);
      const given = Array.isArray(elements) ? elements.map((element) => parseElement(element)) : [];
      const { signal, reserve } = context;
      const results = new TakenResults();
      const execution = build(plan, { context, results }).execute(given, { signal, reserve });
      for await (const result of resultsOf(execution, context)) {
        yield result;
        results.noteTaken();
      }
    };
    // What a stage of the host's does outside is its own, and is not done twice by itself.
    const kept = keptStep({ info, run: flow }, { name: "pipeline", effect: "once" });
    this.source = {
      info,
      run: (input, context) => (hasHostStage(parseFields(input)["plan"]) ? kept : { run: flow }).run(input, context),
    };
  }

  /** The picture of a plan; refuses what cannot be built. */
  draw({ plan, metrics }: { plan?: unknown; metrics?: unknown }): string {
    return this.#build(plan).toMermaid(Array.isArray(metrics) ? metrics.slice(0, MAX_STAGES).map(parseMetrics) : []);
  }

  #build(plan: unknown, run?: GuestPipelineRun): StreamPipeline {
    const { stages, edges } = parseFields(plan);
    if (!Array.isArray(stages) || !Array.isArray(edges)) return malformed();
    if (stages.length > MAX_STAGES || edges.length > MAX_EDGES) {
      throw new GeppettoError(
        "LimitError",
        `Cannot chain ${stages.length} stages with ${edges.length} connections: the maximum is ${MAX_STAGES} with ${MAX_EDGES}`,
      );
    }
    const builder = new PipelineBuilder(new PipelineConfig().withMetrics(true));
    const planned = stages.map(parseStage);
    for (const stage of planned)
      builder.addStage(stage.host === undefined ? guestStage(stage, run) : this.#hostStage(stage));
    for (const edge of edges) {
      const [from, to] = Array.isArray(edge) ? (edge as unknown[]) : [];
      builder.connect(nameAt(planned, from), nameAt(planned, to));
    }
    return builder.build();
  }

  #hostStage({ name, host = "" }: PlannedStage): Stage {
    const create = Object.hasOwn(this.#hostStages, host) ? this.#hostStages[host] : undefined;
    if (create === undefined) {
      const names = Object.keys(this.#hostStages).join(", ");
      throw new GeppettoError(
        "ValidationError",
        `Cannot chain the stages: the host has no stage "${host}", it has ${names === "" ? "no stages" : names}`,
      );
    }
    const stage = create() as Stage | undefined;
    if (typeof stage?.process !== "function")
      throw new GeppettoError("ConfigError", `Cannot chain the stages: the host's "${host}" is not a stage`);
    // The name is the script's; everything else is the stage's own, which may be an object of a class.
    return Object.create(stage, {
      name: { value: name, enumerable: true },
      process: { value: orderlyProcess(stage.process.bind(stage)), enumerable: true },
    }) as Stage;
  }
}

/** A stage whose work is a function of the guest's; without a run it is only looked at. */
function guestStage({ name, streams }: PlannedStage, run: GuestPipelineRun | undefined): Stage {
  const results = streams === true ? run?.results : undefined;
  return stageFunc(name, "transform", async (input, output, { signal }) => {
    const time = timeSource();
    for await (const element of input) {
      if (isControl(element)) {
        await output.write(element);
        continue;
      }
      const { kind, metadata } = element;
      if (run === undefined) continue;
      const { context } = run;
      // The pieces of its text come after the results before it.
      if (results !== undefined) await time.parked(() => abortable(results.allTaken(), signal));
      const ask = (args: object): Promise<unknown> =>
        // The guest's function may never come back.
        abortable(context.callGuest(stageFunctionName(name), args), signal);
      // Many stages that have the same large value would else write it out for the guest one after the other, in one go.
      for (let yielded = time.giveWay(); yielded !== undefined; yielded = time.giveWay()) await yielded;
      let answer = await ask({ content: contentOf(element), kind, metadata });
      for (;;) {
        const { values, more } = Array.isArray(answer) ? { values: answer } : parseFields(answer);
        await writeAll(Array.isArray(values) ? values : [], element, { output, context, results });
        if (typeof more !== "number") break;
        answer = await ask({ more });
      }
    }
  });
}

/** Hands on what came of an element; memory is reserved for what waits for room. */
async function writeAll(
  values: readonly unknown[],
  from: StreamElement,
  { output, context, results }: GuestPipelineRun & { output: ElementWriter },
): Promise<void> {
  const bytes = estimateBytes(values, MAX_FRAME_CHARS);
  context.reserve(bytes);
  for (const next of values) {
    const element = parseElement(next, from);
    if (!isControl(element)) results?.noteWritten();
    await output.write(element);
  }
  context.reserve(-bytes);
}

function hasHostStage(plan: unknown): boolean {
  const { stages } = parseFields(plan);
  return Array.isArray(stages) && stages.some((stage) => parseFields(stage)["host"] !== undefined);
}

function parseStage(given: unknown): PlannedStage {
  const { name, host, streams } = parseFields(given);
  if (typeof name !== "string" || name === "" || name.length > MAX_NAME) return malformed();
  if (typeof host === "string") return { name, host: host.slice(0, MAX_NAME) };
  return streams === true ? { name, streams } : { name };
}

function nameAt(stages: readonly PlannedStage[], index: unknown): string {
  return typeof index === "number" ? (stages[index]?.name ?? malformed()) : malformed();
}

function parseMetrics(given: unknown): DrawnMetrics {
  const { stage, elementsIn, elementsOut, workingMs, errors, maxQueueDepth } = parseFields(given);
  const toNumber = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
  return {
    stage: typeof stage === "string" ? stage : "",
    elementsIn: toNumber(elementsIn),
    elementsOut: toNumber(elementsOut),
    workingMs: toNumber(workingMs),
    errors: toNumber(errors),
    maxQueueDepth: toNumber(maxQueueDepth),
  };
}

function malformed(): never {
  throw new GeppettoError("ValidationError", "Cannot chain the stages: the plan is malformed");
}
