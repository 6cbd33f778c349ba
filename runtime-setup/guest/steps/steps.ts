import type { StepConfig } from "../../../src/shared/contract/features.ts";
import { DELIVERY } from "../../../src/shared/contract/runs.ts";
import { defineHidden, ObjectHasOwn, SafeSymbol, SafeTypeError, SafeWeakMap } from "../../../src/shared/primordials.ts";
import { runBlocking } from "./block-body.ts";
import { suggestMethodsOf } from "../core/error-hints.ts";
import { checkOptions, onlySignal, rejectAborted } from "../core/calls.ts";
import { EventStream } from "./event-stream.ts";
import { defineGlobal, guard, reportUncaught } from "../core/kernel.ts";
import { cancelledError } from "./run-events.ts";
import { collect } from "./collect.ts";
import { cancelRun, runById, runsOf, startRun } from "./runs.ts";
import type { GuestEvent } from "./run.ts";
import type { StepBinding } from "./step-body.ts";
import { watchErrorEvent } from "./unread-errors.ts";
import { isAborted } from "../web/abort.ts";

const START = "start the step";
const CALLBACKS: readonly string[] = ["onResult", "onError", "onDone", "onCancel"];

type Callback = (...args: unknown[]) => unknown;

/** What is behind each step object; nothing of it can be reached from the object. */
const bindings = new SafeWeakMap<object, StepBinding>();

/** The binding of a value that is a step object, or undefined. */
export function bindingOf(value: unknown): StepBinding | undefined {
  return typeof value === "object" && value !== null ? bindings.get(value) : undefined;
}

function own(step: object): StepBinding {
  const binding = bindings.get(step);
  if (binding === undefined) throw new SafeTypeError("Cannot use the method: it belongs to a step");
  return binding;
}

/** The step's binding for this input. */
function ownFor(step: object, input: unknown): StepBinding {
  return bindingFor(own(step), input);
}

export function bindingFor(binding: StepBinding, input: unknown): StepBinding {
  return binding.forInput === undefined ? binding : binding.forInput(input);
}

function checkedFunction(value: unknown, what: string): Callback | undefined {
  if (value === undefined || typeof value === "function") return value as Callback | undefined;
  throw new SafeTypeError(
    `Cannot start the step: ${what} must be a function, not ${value === null ? "null" : typeof value}`,
  );
}

/** What every step object can do, however the step was made. */
class Step {
  /** Starts a run and returns its id at once; events come in later turns, in order, the last one terminal. */
  runWithEvents(input: unknown, onEvent: unknown, options?: unknown): string {
    const handler = checkedFunction(onEvent, "onEvent");
    if (handler === undefined)
      throw new SafeTypeError("Cannot start the step: onEvent is missing, it must be a function");
    const onRunEvent = (event: GuestEvent, failure: unknown): void => {
      if (event.type === "error") watchErrorEvent(run, event, failure);
      handler(event);
    };
    const run = startRun(this, ownFor(this, input), input, onRunEvent, {
      delivery: DELIVERY.every,
      signal: onlySignal(START, options),
    });
    return run.id;
  }

  /** Cancels one run, or all of this step's. Was there anything to cancel? */
  cancel(runID?: string): boolean {
    own(this);
    if (runID !== undefined) {
      const run = runById(runID);
      return run !== undefined && run.owner === this && cancelRun(run);
    }
    const all = runsOf(this);
    let any = false;
    for (let i = 0; i < all.length; i++) any = cancelRun(all[i]!) || any;
    return any;
  }

  /** Resolves with the array of results; the first error rejects, an abort rejects with the signal's reason. */
  startAsync(input: unknown, options?: unknown): Promise<unknown[]> {
    const binding = ownFor(this, input);
    const signal = onlySignal(START, options);
    if (signal !== undefined && isAborted(signal)) return rejectAborted(signal);
    return collect(this, binding, input, { signal });
  }

  /** The array of results. This realm waits for it, the host does not. */
  startBlocking(input: unknown): unknown[] {
    return runBlocking(this, ownFor(this, input), input);
  }

  /** Calls back for each result, or each piece of text, and once at the end. Returns what cancels the run. */
  startWithCallbacks(input: unknown, callbacks?: unknown): () => boolean {
    if (typeof callbacks !== "object" && callbacks !== undefined) {
      throw new SafeTypeError(`Cannot start the step: callbacks must be an object, not ${typeof callbacks}`);
    }
    checkOptions(START, callbacks, CALLBACKS);
    const given = (callbacks ?? {}) as Record<string, unknown>;
    const onResult = checkedFunction(given["onResult"], "onResult");
    const onError = checkedFunction(given["onError"], "onError");
    const onDone = checkedFunction(given["onDone"], "onDone");
    const onCancel = checkedFunction(given["onCancel"], "onCancel");
    const binding = ownFor(this, input);
    const call = (callback: Callback | undefined, args: unknown[]): void => {
      if (callback !== undefined) guard(callback, args);
    };
    const { id } = startRun(
      this,
      binding,
      input,
      (event, failure) => {
        switch (event.type) {
          case "partial":
            callEach(partsOf(binding, event), (part) => call(onResult, [part]));
            break;
          case "final":
            callEach(untoldOf(binding, event), (value) => call(onResult, [value]));
            call(onDone, []);
            break;
          case "error":
            if (onError === undefined) reportUncaught(failure);
            else call(onError, [failure]);
            break;
          case "interrupt":
            call(onCancel, []);
            break;
        }
      },
      { delivery: DELIVERY.every },
    );
    return function cancel(): boolean {
      const run = runById(id);
      return run !== undefined && cancelRun(run);
    };
  }

  /** The run's events, as an async iterable; leaving the loop early cancels the run. */
  events(input: unknown, options?: unknown): AsyncIterableIterator<unknown> {
    return new EventStream(this, ownFor(this, input), input, onlySignal(START, options), (event) => [event]);
  }

  /** The run's results, or its pieces of text, as an async iterable; an error of the run is thrown. */
  stream(input: unknown, options?: unknown): AsyncIterableIterator<unknown> {
    const binding = ownFor(this, input);
    return new EventStream(this, binding, input, onlySignal(START, options), (event, failure) => {
      if (event.type === "partial") return partsOf(binding, event);
      if (event.type === "final") return untoldOf(binding, event);
      if (event.type === "error") throw failure;
      if (event.type === "interrupt") throw cancelledError();
      return [];
    });
  }
}

defineHidden(Step.prototype, SafeSymbol.toStringTag, "Step");
// `step.constructor` would make objects without a step behind them.
delete (Step.prototype as { constructor?: unknown }).constructor;
suggestMethodsOf(Step.prototype);

/** What a partial event is to those who take results: pieces of a text, or results; a piece of a result is neither. */
function partsOf({ kind }: StepBinding, event: GuestEvent): unknown[] {
  if (kind === "text") return [event["delta"]];
  return ObjectHasOwn(event, "result") ? [event["result"]] : [];
}

/** The results that no partial has told: the one of a step that has one. */
function untoldOf({ kind }: StepBinding, event: GuestEvent): unknown[] {
  const results = event["results"] as unknown[];
  return kind === "single" && results.length === 1 ? results : [];
}

function callEach(values: readonly unknown[], call: (value: unknown) => void): void {
  for (let i = 0; i < values.length; i++) call(values[i]);
}

/** Makes a step object. */
export function createStepObject(binding: StepBinding): Step {
  const step = new Step();
  bindings.set(step, binding);
  return step;
}

export type { Step as StepObject };

/** Gives scripts a step of the host's under a global name. Inputs and results cross as they are. */
export function installStep(config: StepConfig): void {
  defineGlobal(config.name, createStepObject(config));
}
