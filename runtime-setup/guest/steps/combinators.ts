/** The steps that scripts make of functions and of other steps. Each is one generator; see effects.ts. */
import { GUEST_STEP } from "../../../src/shared/contract/runs.ts";
import { append, isArray, isNativePromise, SafeTypeError } from "../../../src/shared/primordials.ts";
import type { StepKind } from "../../../src/shared/step-events.ts";
import {
  countArgument,
  functionArgument,
  objectArgument,
  optionalFunction,
  stepArgument,
  type GivenStep,
  type ScriptFunction,
} from "./combinator-arguments.ts";
import { markHandled, onlySignal } from "../core/calls.ts";
import type { Body, BodyRun, CallEffect, Effect, EffectBody, RunEffect } from "./step-body.ts";
import type { StepBinding } from "./step-body.ts";
import { bindingFor, createStepObject, type StepObject } from "./steps.ts";

/** Calls a function whose result is one of the step's, or all of them. */
export function resultCallEffect(fn: ScriptFunction, args: unknown[], what: string): CallEffect {
  return { do: "call", fn, args, what, givesResult: true };
}

export function callEffect(fn: ScriptFunction, args: unknown[], what: string): CallEffect {
  return { do: "call", fn, args, what };
}

/** Runs the step on this input, with the binding that it has for it. */
export function runEffect({ step, binding }: GivenStep, input: unknown, options: Partial<RunEffect> = {}): RunEffect {
  return { ...options, do: "run", step, binding: bindingFor(binding, input), input };
}

function resultEffect(value: unknown, endsPart?: number): Effect {
  return { do: "result", value, endsPart };
}

/** What every function of a script's is told about the run that it is called for. */
export function callContext(run: BodyRun): { signal: BodyRun["signal"] } {
  return { signal: run.signal };
}

/** What a step is told whose results are those of another. */
export function resultsLike({ outputType, fromResult }: StepBinding): Pick<StepBinding, "outputType" | "fromResult"> {
  return fromResult === undefined ? { outputType } : { outputType, fromResult };
}

interface MadeStep extends Pick<StepBinding, "fromResult"> {
  type: string;
  inputType?: string;
  outputType?: string;
  kind: StepKind;
  body: Body;
}

export function createGuestStep({ inputType = "any", outputType = "any", ...rest }: MadeStep): StepObject {
  return createStepObject({ step: GUEST_STEP, inputType, outputType, ...rest });
}

/** `createLambdaStep(fn)`: one result, whatever `fn` returns or resolves to. */
export function createLambdaStep(fn: unknown): StepObject {
  const checked = functionArgument("create a lambda step", "fn", fn);
  return createGuestStep({
    type: "lambda",
    kind: "single",
    *body(input, run) {
      yield resultEffect(yield resultCallEffect(checked, [input, callContext(run)], "the function of the lambda step"));
    },
  });
}

/** `createMapStep(fn)`: one result for each element, in order. */
export function createMapStep(fn: unknown): StepObject {
  const checked = functionArgument("create a map step", "fn", fn);
  return createGuestStep({
    type: "map",
    kind: "list",
    *body(input, run) {
      const elements = toList(input);
      for (let i = 0; i < elements.length; i++) {
        yield resultEffect(
          yield resultCallEffect(checked, [elements[i], callContext(run)], "the function of the map step"),
        );
      }
    },
  });
}

/** `createStep({input, process, output})`: the three one after the other, each optional. */
export function createStep(options: unknown): StepObject {
  const what = "create a step";
  const names = ["input", "process", "output"];
  const given = objectArgument(what, "options", options, names);
  const stages: { name: string; fn: ScriptFunction }[] = [];
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    const fn = optionalFunction(what, name, given[name]);
    if (fn !== undefined) append(stages, { name, fn });
  }
  return createGuestStep({
    type: "step",
    kind: "single",
    *body(input, run) {
      let value = input;
      for (let i = 0; i < stages.length; i++) {
        const { name, fn } = stages[i]!;
        const call = i === stages.length - 1 ? resultCallEffect : callEffect;
        value = yield call(fn, [value, callContext(run)], `"${name}"`);
      }
      yield resultEffect(value);
    },
  });
}

type Stage = { fn: ScriptFunction } | { given: GivenStep };

/** `compose([a, b, …])`: functions get the array of results before them, steps run once for each. */
export function compose(stages: unknown): StepObject {
  const what = "compose steps";
  if (!isArray(stages)) {
    throw new SafeTypeError(`Cannot ${what}: stages must be an array of steps and functions, not ${typeof stages}`);
  }
  const checked: Stage[] = [];
  for (let i = 0; i < stages.length; i++) append(checked, toStage(what, `stages[${i}]`, stages[i]));
  return createGuestStep({
    ...typesOf(checked),
    type: "compose",
    kind: "list",
    body: (input, run) => runStages(checked, input, run),
  });
}

function toStage(what: string, argument: string, value: unknown): Stage {
  if (typeof value === "function") return { fn: value as ScriptFunction };
  return { given: stepArgument(what, argument, value) };
}

function typesOf(stages: readonly Stage[]): Partial<Pick<StepBinding, "inputType" | "outputType" | "fromResult">> {
  const first = stages[0];
  const last = stages[stages.length - 1];
  return {
    ...(first !== undefined && "given" in first ? { inputType: first.given.binding.inputType } : {}),
    ...(last !== undefined && "given" in last ? resultsLike(last.given.binding) : {}),
  };
}

function* runStages(stages: readonly Stage[], input: unknown, run: BodyRun): EffectBody {
  let values: unknown[] = [input];
  for (let i = 0; i < stages.length; i++) {
    const stage = stages[i]!;
    const isLast = i === stages.length - 1;
    if ("fn" in stage) {
      const given = i === 0 ? input : values;
      const call = isLast ? resultCallEffect : callEffect;
      values = toList(yield call(stage.fn, [given, callContext(run)], `the function stages[${i}]`));
      continue;
    }
    const next: unknown[] = [];
    for (let j = 0; j < values.length; j++) {
      const results = (yield runEffect(stage.given, values[j], { forwards: isLast })) as unknown[];
      if (!isLast) for (let k = 0; k < results.length; k++) append(next, results[k]);
    }
    if (isLast) return;
    values = next;
  }
  for (let i = 0; i < values.length; i++) yield resultEffect(values[i]);
}

/** `bind(results, step)`: the step is run once for each result, in order; a promise of the array of all its results. */
export function bind(results: unknown, step: unknown, options?: unknown): Promise<unknown[]> {
  const what = "bind results";
  const given = stepArgument(what, "step", step);
  if (typeof results !== "object" || results === null) {
    throw new SafeTypeError(
      `Cannot ${what}: results must be an array, or a promise of one, not ${results === null ? "null" : typeof results}`,
    );
  }
  const bound = createGuestStep({
    ...resultsLike(given.binding),
    type: "bind",
    kind: "list",
    *body(input) {
      const values = yield callEffect(() => input, [], "the results");
      if (!isArray(values)) throw new SafeTypeError(`Cannot ${what}: results must be an array, or a promise of one`);
      for (let i = 0; i < values.length; i++) {
        const inner = (yield runEffect(given, values[i])) as unknown[];
        for (let j = 0; j < inner.length; j++) yield resultEffect(inner[j]);
      }
    },
  });
  const signal = onlySignal(what, options);
  // From here on the run answers for it.
  if (isNativePromise(results)) markHandled(results);
  return bound.startAsync(results, { signal });
}

const DEFAULT_CONCURRENCY = 8;

/** `createParallelStep({maxConcurrency, step})`: runs the step on each element, several at a time; results in order. */
export function createParallelStep(options: unknown): StepObject {
  const what = "create a parallel step";
  const { maxConcurrency, step } = objectArgument(what, "options", options, ["maxConcurrency", "step"]);
  const limit = countArgument(what, "maxConcurrency", maxConcurrency, DEFAULT_CONCURRENCY);
  const given = stepArgument(what, "step", step);
  return createGuestStep({
    ...resultsLike(given.binding),
    type: "parallel",
    kind: "list",
    *body(input) {
      const elements = toList(input);
      const order = new ResultOrder();
      const bodies: (() => EffectBody)[] = [];
      for (let i = 0; i < elements.length; i++) append(bodies, () => runElement(given, elements[i], i, order));
      yield { do: "all", bodies, limit };
    },
  });
}

/** Results that are there, and whose turn it is. */
class ResultOrder {
  readonly done: (unknown[] | undefined)[] = [];
  next = 0;
  isHandingOut = false;
}

/** Runs one element; whoever is the first to finish in order hands out what is ready. */
function* runElement(given: GivenStep, input: unknown, index: number, order: ResultOrder): EffectBody {
  const { done } = order;
  while (done.length <= index) append(done, undefined);
  const { kind } = bindingFor(given.binding, input);
  done[index] = (yield runEffect(given, input, { streams: kind !== "list", part: index })) as unknown[];
  if (order.isHandingOut) return;
  order.isHandingOut = true;
  for (;;) {
    const results = done[order.next];
    if (results === undefined) break;
    const part = order.next++;
    done[part] = undefined;
    for (let i = 0; i < results.length; i++) {
      yield resultEffect(results[i], i === results.length - 1 ? part : undefined);
    }
  }
  order.isHandingOut = false;
}

/** An array is the list; anything else is its one element. */
function toList(value: unknown): unknown[] {
  return isArray(value) ? value : [value];
}
