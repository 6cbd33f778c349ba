/** What the host calls for a stage of a script's: a function, a generator function or a step. */
import {
  append,
  AsyncGeneratorNext,
  AsyncGeneratorReturn,
  GeneratorNext,
  GeneratorReturn,
  isAsyncGenerator,
  isGenerator,
  isNativePromise,
  promiseThen,
  SafeMap,
  SafeWeakMap,
} from "../../../src/shared/primordials.ts";
import type { CarriedAnswer, CarriedElement } from "../../../src/shared/pipeline-plan.ts";
import { runInside as runAsync } from "../steps/await-body.ts";
import { runInside as runBlocked } from "../steps/block-body.ts";
import { asContext, markHandled } from "../core/calls.ts";
import { fromHost, toCarried } from "./carried-elements.ts";
import type { GivenStep, ScriptFunction } from "../steps/combinator-arguments.ts";
import { runEffect } from "../steps/combinators.ts";
import { bindingFor } from "../steps/steps.ts";
import type { BodyRun, RunFunction } from "../steps/step-body.ts";
import { onAbort } from "../web/abort.ts";

/** Generators that have more to give, by the numbers that the host asks with. They go with their run. */
const opened = new SafeWeakMap<BodyRun, Map<number, Generator | AsyncGenerator>>();
let lastNumber = 0;

/** Values of a generator that go over together. */
const BATCH = 16;

/** Calls a function of the script's with the content of an element; a generator is asked for more as there is room. */
export function callerOf(fn: ScriptFunction): RunFunction {
  return (args, signal, run) => {
    const { content, kind, metadata, more } = args as CarriedElement & { more?: number };
    if (more !== undefined) return askForMore(more, run);
    const shown = fromHost(content);
    const value: unknown = (fn as (content: unknown, context: object) => unknown)(
      shown,
      asContext({ signal, kind, metadata }),
    );
    // What is handed on as it came keeps its kind.
    const carry = (result: unknown): unknown =>
      result === shown ? [{ content: result, kind: kind! }] : isOpen(result) ? open(result, run) : toCarried(result);
    return isNativePromise(value) ? promiseThen(value, carry) : carry(value);
  };
}

/** Runs a step inside the pipeline's run, with the content of an element; its text may be the pipeline's. */
export function runnerOf(given: GivenStep, streams: () => boolean): RunFunction {
  return (args, _, run) => {
    const input = fromHost((args as CarriedElement).content);
    const { kind } = bindingFor(given.binding, input);
    const effect = runEffect(given, input, { streams: kind !== "list" && streams() });
    if (run.isWaitedFor) return toCarried(runBlocked(effect, run));
    return promiseThen(runAsync(effect, run), toCarried);
  };
}

function isOpen(value: unknown): value is Generator | AsyncGenerator {
  return isGenerator(value) || isAsyncGenerator(value);
}

function open(generator: Generator | AsyncGenerator, run: BodyRun): unknown {
  let own = opened.get(run);
  if (own === undefined) opened.set(run, (own = new SafeMap()));
  const number = ++lastNumber;
  own.set(number, generator);
  onAbort(run.signal, () => close(generator));
  return askForMore(number, run);
}

/** Has its finally blocks run. Whatever they say, nobody listens. */
function close(generator: Generator | AsyncGenerator): void {
  try {
    if (isAsyncGenerator(generator)) markHandled(AsyncGeneratorReturn(generator, undefined));
    else GeneratorReturn(generator, undefined);
  } catch {
    // It is over all the same.
  }
}

function askForMore(number: number, run: BodyRun): unknown {
  const own = opened.get(run);
  const generator = own?.get(number);
  if (generator === undefined) return [];
  const answer = (values: CarriedElement[], isDone: boolean): CarriedAnswer => {
    if (isDone) own!.delete(number);
    return isDone ? { values } : { values, more: number };
  };
  if (isAsyncGenerator(generator)) {
    return promiseThen(AsyncGeneratorNext(generator), (step) => {
      const { done, value } = step as IteratorResult<unknown>;
      return answer(done === true ? [] : toCarried([value]), done === true);
    });
  }
  const values: unknown[] = [];
  for (let i = 0; i < BATCH; i++) {
    const { done, value } = GeneratorNext(generator, undefined);
    if (done === true) return answer(toCarried(values), true);
    append(values, value);
  }
  return answer(toCarried(values), false);
}
