/** Runs steps to their end within a turn: this realm waits, the host does not. */
import type { EventFrame } from "../../../src/shared/step-events.ts";
import {
  append,
  GeneratorNext,
  GeneratorReturn,
  GeneratorThrow,
  isNativePromise,
} from "../../../src/shared/primordials.ts";
import { callFunction, noteEmitted, recordFailure, toYield } from "./bodies.ts";
import { markHandled } from "../core/calls.ts";
import type { BodyRun, Effect, EffectBody, RunEffect } from "./effects.ts";
import { guestError } from "../core/errors.ts";
import { callBlocking, callSync } from "../core/kernel.ts";
import { cancelledError, errorOf, toGuestEvent, withMetadata, type GuestEvent } from "./run-events.ts";
import { callFor, endRun, startRun, type Run, type StepBinding } from "./runs.ts";
import { abortReason, isAborted } from "../web/abort.ts";

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

/** Drives a body without leaving the turn: runs block, functions must be synchronous, bodies go one after the other. */
function driveBlocking(body: EffectBody, run: BodyRun, host: Run): unknown {
  let step: () => IteratorResult<Effect, unknown> = () => GeneratorNext(body, undefined);
  for (;;) {
    if (isAborted(run.signal)) {
      GeneratorReturn(body, undefined);
      throw abortReason(run.signal);
    }
    const { done, value: effect } = step();
    if (done === true) return effect;
    try {
      const result = perform(effect, run, host);
      step = () => GeneratorNext(body, result);
    } catch (error) {
      if (isRefusal(error)) {
        GeneratorReturn(body, undefined);
        throw error;
      }
      // Nothing of the host's reaches a guest that waits: it has to ask.
      if (callSync("run_is_aborted", { id: run.id }) === true) host.controller.abort(cancelledError());
      step = () => GeneratorThrow(body, error);
    }
  }
}

function perform(effect: Effect, run: BodyRun, host: Run): unknown {
  switch (effect.do) {
    case "call": {
      const value = callFor(run.id, effect.fn, undefined, effect.args);
      if (!isThenable(value)) return value;
      if (isNativePromise(value)) markHandled(value);
      throw cannotBlock(effect.what);
    }
    case "run":
      return runInside(effect, run);
    case "sleep":
      return callBlocking("run_sleep", { id: run.id, ms: effect.ms });
    case "all": {
      const returned: unknown[] = [];
      for (let i = 0; i < effect.bodies.length; i++) append(returned, driveBlocking(effect.bodies[i]!(), run, host));
      return returned;
    }
    case "result":
      return give(run, effect.value);
  }
}

function isThenable(value: unknown): boolean {
  if (isNativePromise(value)) return true;
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

function give(run: BodyRun, value: unknown): void {
  callBlocking("run_yield_wait", toYield(run, value));
}

export function runInside(
  { step, binding, input, forwards, onResult, timeoutMs, interceptor }: RunEffect,
  run: BodyRun,
): unknown[] {
  const inner = startRun(step, binding, input, () => {}, {
    want: "wait",
    parent: run.id,
    forwards: forwards === true && binding.kind !== "list",
    timeoutMs,
    interceptor,
  });
  const { event, error } = waitForRun(inner);
  if (forwards === true && binding.kind !== "list") noteEmitted(run, event);
  const results = resultsOf(event, error);
  if (forwards === true) {
    for (let i = 0; i < results.length; i++) {
      onResult?.(results[i]);
      give(run, results[i]);
    }
  }
  return results;
}

/** What a blocking wait is answered with: a call to make, or the terminal event. */
interface WaitAnswer {
  call?: { callId: number; name: string; args: unknown };
  event?: EventFrame;
}

/** Waits for a run that was started with "wait", making the calls that it needs meanwhile, and gives its last event. */
function waitForRun(run: Run): { event: GuestEvent; error: unknown } {
  for (;;) {
    const { call, event } = callBlocking("run_wait", { id: run.id }) as WaitAnswer;
    if (call !== undefined) answerCall(run, call.callId, call.name, call.args);
    else {
      endRun(run);
      return { event: toGuestEvent(run, event!), error: errorOf(run, event!.error) };
    }
  }
}

function answerCall(run: Run, callId: number, name: string, args: unknown): void {
  const { id } = run;
  try {
    if (name === "body") {
      driveBlocking(run.binding.body!(run.input, run), run, run);
      callSync("run_answer", { id, callId });
    } else {
      const value = callFunction(run, name, args);
      if (isThenable(value)) {
        if (isNativePromise(value)) markHandled(value);
        throw cannotBlock(`"${name}"`);
      }
      callSync("run_answer", { id, callId, value });
    }
  } catch (error) {
    callSync("run_answer", { id, callId, error: recordFailure(run, name, error) });
  }
}

function resultsOf(event: GuestEvent, error: unknown): unknown[] {
  if (event.type === "final") return withMetadata(event);
  throw event.type === "error" ? error : cancelledError();
}

/** Runs a step to its end within the turn. */
export function runBlocking(owner: object, binding: StepBinding, input: unknown): unknown[] {
  const { event, error } = waitForRun(startRun(owner, binding, input, () => {}, { want: "wait" }));
  return resultsOf(event, error);
}
