/**
 * `pipeline`: says to the host which stages a pipeline has. The functions among them, and the steps, stay here and are
 * called back, one element at a time.
 */
import { OPS } from "../../../src/shared/contract/ops.ts";
import {
  append,
  defineField,
  defineHidden,
  isArray,
  ObjectCreate,
  SafeSet,
  SafeString,
  SafeTypeError,
  SafeWeakMap,
} from "../../../src/shared/primordials.ts";
import { stageFunctionName, type PipelinePlan, type PlannedStage } from "../../../src/shared/pipeline-plan.ts";
import { fromHost, makeElement, toCarried } from "./carried-elements.ts";
import { stepArgument, type GivenStep, type ScriptFunction } from "../steps/combinator-arguments.ts";
import { callSync, defineGlobal } from "../core/kernel.ts";
import type { RunFunction, StepBinding } from "../steps/step-body.ts";
import { callerOf, runnerOf } from "./stage-functions.ts";
import { createStepObject, type StepObject } from "../steps/steps.ts";

/** A stage as a script gives it, checked. */
type Given =
  | { is: "function"; name: string; fn: ScriptFunction }
  | { is: "step"; name: string; given: GivenStep }
  | { is: "host"; name: string; host: string }
  | { is: "branch"; branches: Given[][] };

interface Pipeline {
  plan: PipelinePlan;
  functions: Record<string, RunFunction>;
  /** The names of those stages that are steps. */
  steps: Set<string>;
}

const CHAIN = "chain the stages";

/** What pipeline.stage() and pipeline.branch() have made. Nothing of it can be reached from them. */
const stages = new SafeWeakMap<object, Given>();
const pipelines = new SafeWeakMap<object, Pipeline>();

function known<T>(map: WeakMap<object, T>, value: unknown): T | undefined {
  return typeof value === "object" && value !== null ? map.get(value) : undefined;
}

function made(kind: string): object {
  const object = ObjectCreate(null) as object;
  defineHidden(object, "toString", () => `[pipeline ${kind}]`);
  return object;
}

/** `chain(...stages)`: functions, steps, names of stages of the host's, stages and branches. */
export function chain(...given: unknown[]): StepObject {
  const planned: Given[] = [];
  for (let i = 0; i < given.length; i++) append(planned, toGiven(`stage ${i + 1}`, given[i]));
  const pipeline = toPipeline(planned);
  // The host refuses now what it would refuse later.
  callSync(OPS.pipeline_draw, { plan: pipeline.plan });
  const step = createStepObject(bindingFor(pipeline));
  pipelines.set(step, pipeline);
  defineHidden(step, "toMermaid", (metadata?: unknown) => drawn(pipeline, metadata));
  return step;
}

/** `stage(name, work)`: a function, a step or a stage of the host's under a name of its own. */
function stage(name: unknown, work: unknown): object {
  if (typeof name !== "string" || name === "")
    throw new SafeTypeError("Cannot name a stage: name must be a string that is not empty");
  const given = toGiven("work", work);
  if (given.is === "branch") throw new SafeTypeError("Cannot name a stage: a branch has several stages, name those");
  const object = made("stage");
  stages.set(object, { ...given, name });
  return object;
}

/** `branch(...ways)`: each element goes every way; a way is a stage, or an array of stages one after the other. */
function branch(...ways: unknown[]): object {
  const branches: Given[][] = [];
  for (let i = 0; i < ways.length; i++) {
    const way = ways[i];
    const single = isArray(way) ? way : [way];
    const chained: Given[] = [];
    for (let j = 0; j < single.length; j++) append(chained, toGiven(`way ${i + 1}`, single[j]));
    if (chained.length === 0) throw new SafeTypeError(`Cannot ${CHAIN}: way ${i + 1} of the branch has no stages`);
    append(branches, chained);
  }
  if (branches.length === 0) throw new SafeTypeError(`Cannot ${CHAIN}: the branch has no ways`);
  const object = made("branch");
  stages.set(object, { is: "branch", branches });
  return object;
}

/** `element(kind, content, {metadata, priority})`: for a value that is not simply text, a message or data. */
function element(kind: unknown, content: unknown, options: unknown = {}): object {
  const object = made("element");
  makeElement(object, kind, content, options);
  return object;
}

function toGiven(argument: string, value: unknown): Given {
  if (typeof value === "function") {
    const { name } = value as { name?: unknown };
    return {
      is: "function",
      name: typeof name === "string" && name !== "" ? name : argument,
      fn: value as ScriptFunction,
    };
  }
  if (typeof value === "string") return { is: "host", name: value, host: value };
  const stageOf = known(stages, value);
  if (stageOf !== undefined) return stageOf;
  const given = stepArgument(CHAIN, argument, value, "a function, a step or the name of a stage");
  return { is: "step", name: given.binding.type, given };
}

function toPipeline(given: readonly Given[]): Pipeline {
  const pipeline: Pipeline = {
    plan: { stages: [], edges: [] },
    functions: ObjectCreate(null) as Record<string, RunFunction>,
    steps: new SafeSet(),
  };
  const ends = connect(pipeline, given, []);
  const last = ends.length === 1 ? pipeline.plan.stages[ends[0]!] : undefined;
  if (last !== undefined && pipeline.steps.has(last.name)) last.streams = true;
  return pipeline;
}

/** Adds stages one after the other behind those with the indices `tails`; returns the indices of the last. */
function connect(pipeline: Pipeline, given: readonly Given[], tails: readonly number[]): readonly number[] {
  let last = tails;
  for (let i = 0; i < given.length; i++) {
    const next = given[i]!;
    if (next.is !== "branch") {
      last = [addStage(pipeline, next, last)];
      continue;
    }
    const ends: number[] = [];
    for (let j = 0; j < next.branches.length; j++) {
      const way = connect(pipeline, next.branches[j]!, last);
      for (let k = 0; k < way.length; k++) append(ends, way[k]!);
    }
    last = ends;
  }
  return last;
}

function addStage(
  { plan, functions, steps }: Pipeline,
  given: Exclude<Given, { is: "branch" }>,
  tails: readonly number[],
): number {
  const index = plan.stages.length;
  const name = uniqueName(plan, given.name);
  const planned: PlannedStage = given.is === "host" ? { name, host: given.host } : { name };
  append(plan.stages, planned);
  if (given.is === "function") defineField(functions, stageFunctionName(name), callerOf(given.fn));
  else if (given.is === "step") {
    const runner = runnerOf(given.given, () => planned.streams === true);
    defineField(functions, stageFunctionName(name), runner);
    steps.add(name);
  }
  for (let i = 0; i < tails.length; i++) append(plan.edges, [tails[i]!, index]);
  return index;
}

function uniqueName({ stages: named }: PipelinePlan, name: string): string {
  let count = 1;
  for (let i = 0; i < named.length; i++) {
    const candidate = count === 1 ? name : `${name} ${count}`;
    if (named[i]!.name === candidate) {
      count++;
      // The next candidate may be further up.
      i = -1;
    }
  }
  return count === 1 ? name : `${name} ${count}`;
}

/** What is behind the step that a pipeline is. */
function bindingFor({ plan, functions }: Pipeline): StepBinding {
  return {
    step: "pipeline",
    type: "pipeline",
    inputType: "any",
    outputType: "any",
    kind: "list",
    toInput: (input) => ({ plan, elements: toCarried(input) }),
    functionsOf: () => functions,
    fromResult: fromHost,
  };
}

function drawn({ plan }: Pipeline, metadata: unknown): string {
  const { stages: metrics } = (metadata ?? {}) as { stages?: unknown };
  return SafeString(callSync(OPS.pipeline_draw, { plan, metrics }));
}

/** `steps.fromPipeline(pipeline)`: a pipeline is a step already. */
export function fromPipeline(pipeline: unknown): StepObject {
  if (known(pipelines, pipeline) !== undefined) return pipeline as StepObject;
  throw new SafeTypeError("Cannot make a step: pipeline must come from pipeline.chain()");
}

export function installPipeline(): void {
  defineGlobal("pipeline", { chain, stage, branch, element });
}
