/** Runs steps to their end within a turn: this realm waits, the host does not. */
import { DELIVERY, type GuestCall } from "../../../src/shared/contract/runs.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { append, GeneratorNext, isNativePromise } from "../../../src/shared/primordials.ts";
import { markHandled } from "../core/calls.ts";
import { guestError } from "../core/errors.ts";
import { callBlocking, callSync, currentCause, setCause } from "../core/kernel.ts";
import { driveBody, type Effects } from "./drive-body.ts";
import { cancelledError, errorOf, toGuestEvent, withMetadata } from "./run-events.ts";
import { answerCall, answerFailure, callFunction, causeOf, isBodyCall, noteEmitted, toYield } from "./run-functions.ts";
import type { GuestEvent, Run } from "./run.ts";
import { callFor, endRun, startRun } from "./runs.ts";
import type { BodyRun, EffectBody, RunEffect, StepBinding } from "./step-body.ts";

/** Why a blocking call cannot go on. */
function cannotBlock(what: string): Error {
  return guestError(
    "StepError",
    `Cannot wait for ${what} in startBlocking: it is asynchronous; use startAsync`,
    "ERR_STEP_ASYNC",
  );
}

/** Does the error say so? Then no body is asked what to do about it: every further attempt would end like this. */
function isRefusal(error: unknown): boolean {
  try {
    return (error as { code?: unknown }).code === "ERR_STEP_ASYNC";
  } catch {
    return false;
  }
}

/** The value, where it is there already. */
function immediate(value: unknown, what: string): unknown {
  if (!isThenable(value)) return value;
  if (isNativePromise(value)) markHandled(value);
  throw cannotBlock(what);
}

function isThenable(value: unknown): boolean {
  if (isNativePromise(value)) return true;
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** The effects of a body of the run that is waited for: runs block, functions must be synchronous, bodies go one by one. */
function effectsFor(waited: Run): Effects {
  const effects: Effects = {
    call: ({ fn, args, what }, run) => immediate(callFor(run.id, fn, undefined, args), what),
    run: runInside,
    all({ bodies }, run) {
      const returned: unknown[] = [];
      for (let i = 0; i < bodies.length; i++) append(returned, finishBody(bodies[i]!(), run, effects));
      return returned;
    },
    sleep: (ms, run) => callBlocking(OPS.run_sleep, { id: run.id, ms }),
    result: ({ value, endsPart }, run) => handOut(run, value, endsPart),
    failed(error, run) {
      if (isRefusal(error)) return true;
      // Nothing of the host's reaches a guest that waits: it has to ask.
      if (callSync(OPS.run_is_aborted, { id: run.id })) waited.controller.abort(cancelledError());
      return false;
    },
  };
  return effects;
}

/** Drives a body to its end without leaving the turn. */
function finishBody(body: EffectBody, run: BodyRun, effects: Effects): unknown {
  const driver = driveBody(body, run, effects);
  let step = GeneratorNext(driver, undefined);
  while (step.done !== true) step = GeneratorNext(driver, step.value);
  return step.value;
}

function handOut(run: BodyRun, value: unknown, endsPart?: number): void {
  callBlocking(OPS.run_yield_wait, toYield(run, value, endsPart));
}

/** Runs a step as a part of this run. */
export function runInside(
  { step, binding, input, forwards, streams, part, onResult, timeoutMs, interception }: RunEffect,
  run: BodyRun,
): unknown[] {
  const inner = startRun(step, binding, input, () => {}, {
    delivery: DELIVERY.waited,
    parent: run.id,
    forwards: forwards === true || streams === true,
    part,
    timeoutMs,
    interception,
  });
  const { event, error } = waitForRun(inner);
  if (forwards === true && binding.kind !== "list") noteEmitted(run, event);
  const results = resultsOf(event, error);
  if (forwards === true) {
    for (let i = 0; i < results.length; i++) {
      onResult?.(results[i]);
      handOut(run, results[i]);
    }
  }
  return results;
}

/** Waits for a run that is to be waited for, making the calls that it needs meanwhile, and gives its last event. */
function waitForRun(run: Run): { event: GuestEvent; error: unknown } {
  for (;;) {
    const { call, event } = callBlocking(OPS.run_wait, { id: run.id });
    if (call === undefined) {
      endRun(run);
      return { event: toGuestEvent(run, event), error: errorOf(run, event.error) };
    }
    serveCall(run, call);
  }
}

function serveCall(run: Run, call: GuestCall): void {
  const outer = currentCause();
  setCause(causeOf(run, call));
  try {
    const value = isBodyCall(call)
      ? finishBody(run.binding.body!(run.input, run), run, effectsFor(run))
      : immediate(callFunction(run, call), `"${call.name}"`);
    answerCall(run, call, value);
  } catch (error) {
    answerFailure(run, call, error);
  } finally {
    setCause(outer);
  }
}

function resultsOf(event: GuestEvent, error: unknown): unknown[] {
  if (event.type === "final") return withMetadata(event);
  throw event.type === "error" ? error : cancelledError();
}

/** Runs a step to its end within the turn. */
export function runBlocking(owner: object, binding: StepBinding, input: unknown): unknown[] {
  const { event, error } = waitForRun(startRun(owner, binding, input, () => {}, { delivery: DELIVERY.waited }));
  return resultsOf(event, error);
}
