/** Drives the bodies of the steps that are made in the guest, and makes the calls that a run asks of this guest. */
import { decodeValue, encodeValue } from "../../src/shared/codec.ts";
import type { EventFrame } from "../../src/shared/step-events.ts";
import {
  append,
  GeneratorNext,
  GeneratorThrow,
  isNativePromise,
  ReflectApply,
  SafePromise,
  SafeTypeError,
} from "../../src/shared/primordials.ts";
import { markHandled } from "./calls.ts";
import type { BodyRun, Effect, EffectBody, Given } from "./effects.ts";
import { describe, guestError } from "./errors.ts";
import { callAsync, callBlocking, callSync, onFrame } from "./kernel.ts";
import {
  cancelledError,
  collect,
  endRun,
  errorOf,
  runById,
  startRun,
  toGuestEvent,
  withMetadata,
  type GuestEvent,
  type Run,
  type StepBinding,
} from "./runs.ts";
import { clearTimer, startTimer } from "./timers.ts";
import { abortReason, createAbortController, isAborted, onAbort, type AbortSignal } from "./web/abort.ts";

/** The copy of a result for those who watch the run from outside; what cannot be copied is undefined to them. */
function copyOf(value: unknown): unknown {
  try {
    return decodeValue(encodeValue(value, { exotic: "omit" }));
  } catch {
    return undefined;
  }
}

function toGiven(effect: Effect & { do: "result" | "delta" }, run: BodyRun): Given {
  if (effect.do === "delta") return { kind: "emission", emission: { type: "partial", delta: effect.text } };
  append(run.results, effect.value);
  return { kind: "result", value: copyOf(effect.value) };
}

/** Drives a body with promises. Rejects with what it throws, or with the reason when its run is cancelled. */
export async function driveAsync(body: EffectBody, run: BodyRun, give: (given: Given) => Promise<void>): Promise<unknown> {
  let step: () => IteratorResult<Effect, unknown> = () => GeneratorNext(body, undefined);
  for (;;) {
    const { done, value: effect } = step();
    if (done === true) return effect;
    try {
      const result = await untilAborted(performAsync(effect, run, give), run.signal);
      step = () => GeneratorNext(body, result);
    } catch (error) {
      step = () => GeneratorThrow(body, error);
    }
  }
}

async function performAsync(effect: Effect, run: BodyRun, give: (given: Given) => Promise<void>): Promise<unknown> {
  switch (effect.do) {
    case "call":
      return ReflectApply(effect.fn, undefined, effect.args);
    case "run":
      return runInside(effect, run.signal);
    case "sleep":
      return sleep(effect.ms, run.signal);
    case "all":
      return driveAll(effect.bodies, effect.limit, run, give);
    default:
      return give(toGiven(effect, run));
  }
}

/** The promise, or the reason of the signal, whichever is first. */
function untilAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  return new SafePromise((resolve, reject) => {
    if (isAborted(signal)) {
      reject(abortReason(signal));
      markHandled(promise);
      return;
    }
    const forget = onAbort(signal, reject);
    void (async () => {
      try {
        resolve(await promise);
      } catch (error) {
        reject(error);
      } finally {
        forget();
      }
    })();
  });
}

function runInside({ step, binding, input, onDelta }: Effect & { do: "run" }, signal: AbortSignal): Promise<unknown[]> {
  if (onDelta === undefined) return collect(step, binding, input, { signal });
  return collect(step, binding, input, { signal, onPartial: (event) => onDelta(event["delta"] as string) });
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new SafePromise((resolve) => {
    const timer = startTimer(() => {
      forget();
      resolve();
    }, ms);
    const forget = onAbort(signal, () => clearTimer(timer));
  });
}

/** Keeps at most `limit` bodies going. When one fails the others' signal aborts, and its error is the outcome. */
async function driveAll(
  bodies: readonly (() => EffectBody)[],
  limit: number,
  run: BodyRun,
  give: (given: Given) => Promise<void>,
): Promise<unknown[]> {
  const { signal, abort } = createAbortController();
  const forget = onAbort(run.signal, abort);
  const inner: BodyRun = { id: run.id, results: run.results, signal };
  const returned: unknown[] = [];
  let next = 0;
  let failure: { error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < bodies.length && failure === undefined) {
      const index = next++;
      try {
        returned[index] = await driveAsync(bodies[index]!(), inner, give);
      } catch (error) {
        if (failure === undefined) {
          failure = { error };
          abort(error);
        }
      }
    }
  };
  const workers: Promise<void>[] = [];
  for (let i = 0; i < limit && i < bodies.length; i++) append(workers, worker());
  for (let i = 0; i < workers.length; i++) await workers[i];
  forget();
  if (failure !== undefined) throw failure.error;
  return returned;
}

/** Drives a body without leaving the turn: runs block, functions must be synchronous. */
export function driveSync(body: EffectBody, run: BodyRun, give: (given: Given) => void): unknown {
  let step: () => IteratorResult<Effect, unknown> = () => GeneratorNext(body, undefined);
  for (;;) {
    const { done, value: effect } = step();
    if (done === true) return effect;
    try {
      const result = performSync(effect, run, give);
      step = () => GeneratorNext(body, result);
    } catch (error) {
      step = () => GeneratorThrow(body, error);
    }
  }
}

function performSync(effect: Effect, run: BodyRun, give: (given: Given) => void): unknown {
  switch (effect.do) {
    case "call": {
      const value = ReflectApply(effect.fn, undefined, effect.args);
      if (isNativePromise(value)) throw asynchronous(effect.what);
      return value;
    }
    case "run":
      return runBlocking(effect.step, effect.binding, effect.input);
    case "sleep":
      return callBlocking("sleep", { ms: effect.ms });
    case "all": {
      const returned: unknown[] = [];
      for (let i = 0; i < effect.bodies.length; i++) append(returned, driveSync(effect.bodies[i]!(), run, give));
      return returned;
    }
    default:
      return give(toGiven(effect, run));
  }
}

onFrame("run_call", (body) => {
  const run = runById(body[2] as string);
  if (run !== undefined) void answerCall(run, body[3] as number, body[4] as string, body[5]);
});

async function answerCall(run: Run, callId: number, name: string, args: unknown): Promise<void> {
  const { id } = run;
  try {
    const value = await (name === "body" ? runBody(run) : callFunction(run, name, args));
    callSync("run_answer", { id, callId, value });
  } catch (error) {
    if (name === "body") run.failure = { error };
    callSync("run_answer", { id, callId, error: describe(error) });
  }
}

async function runBody(run: Run): Promise<void> {
  await driveAsync(run.binding.body!(run.input, run), run, async (given) => {
    await callAsync("run_yield", { id: run.id, ...given }).promise;
  });
}

function callFunction(run: Run, name: string, args: unknown): unknown {
  const functions = run.binding.functionsOf?.(run.input);
  const called = functions?.[name];
  if (called === undefined) throw new SafeTypeError(`Cannot call "${name}": the run has no function of that name`);
  return ReflectApply(called, functions, [args, run.controller.signal]);
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
    if (call !== undefined) answerCallSync(run, call.callId, call.name, call.args);
    else {
      endRun(run);
      return { event: toGuestEvent(run, event!), error: errorOf(run, event!.error) };
    }
  }
}

function answerCallSync(run: Run, callId: number, name: string, args: unknown): void {
  const { id } = run;
  try {
    if (name === "body") {
      driveSync(run.binding.body!(run.input, run), run, (given) => void callBlocking("run_yield", { id, ...given }));
      callSync("run_answer", { id, callId });
    } else {
      const value = callFunction(run, name, args);
      if (isNativePromise(value)) throw asynchronous(`"${name}"`);
      callSync("run_answer", { id, callId, value });
    }
  } catch (error) {
    if (name === "body") run.failure = { error };
    callSync("run_answer", { id, callId, error: describe(error) });
  }
}

/** Why a blocking call cannot go on. */
function asynchronous(what: string): Error {
  return guestError("StepError", `Cannot wait for ${what} in startBlocking: it is asynchronous; use startAsync`, "ERR_STEP_ASYNC");
}

/** Runs a step to its end within the turn. */
export function runBlocking(owner: object, binding: StepBinding, input: unknown): unknown[] {
  const run = startRun(owner, binding, input, () => {}, { want: "wait" });
  const { event, error } = waitForRun(run);
  if (event.type === "final") return withMetadata(event);
  throw event.type === "error" ? error : cancelledError();
}
