/**
 * Drives the bodies of the steps that are made in the guest without blocking, and makes the calls that a run asks of
 * this guest.
 */
import { encodeValue } from "../../../src/shared/codec.ts";
import { decodeValue } from "../../../src/shared/decode.ts";
import { MAX_ERROR_CHARS, type ErrorRecord } from "../../../src/shared/frames.ts";
import {
  append,
  GeneratorNext,
  GeneratorReturn,
  GeneratorThrow,
  promiseThen,
  SafePromise,
  SafeTypeError,
  StringSlice,
} from "../../../src/shared/primordials.ts";
import { markHandled } from "../core/calls.ts";
import type { BodyRun, Effect, EffectBody, RunEffect } from "./effects.ts";
import { describe } from "../core/errors.ts";
import { callSync, onFrame } from "../core/kernel.ts";
import { cancelledError, isTerminal, type GuestEvent } from "./run-events.ts";
import { callFor, runById, startRun, type Run } from "./runs.ts";
import { clearTimer, startTimer } from "../core/timers.ts";
import { abortReason, createAbortController, isAborted, onAbort, type AbortSignal } from "../web/abort.ts";

/** The copy of a result for those who watch the run from outside; what cannot be copied is undefined to them. */
function copyOf(value: unknown): unknown {
  try {
    return decodeValue(encodeValue(value, { exotic: "omit" }));
  } catch {
    return undefined;
  }
}

/** Why a copy of this result is not as good as the result. */
function lossOf(value: unknown): string | undefined {
  try {
    encodeValue(value, { classes: "refuse" });
    return undefined;
  } catch (error) {
    return describe(error).message;
  }
}

/** Keeps a result, and makes what crosses for it. */
export function toYield(run: BodyRun, value: unknown): { id: string; value: unknown; loss?: string | undefined } {
  append(run.results, value);
  return { id: run.id, value: copyOf(value), loss: run.isKept ? lossOf(value) : undefined };
}

/** Did a run that has ended like this hand out anything before? Its start and its end are two events. */
export function noteEmitted(run: BodyRun, { step }: GuestEvent): void {
  const { metadata } = step as { metadata: { eventCount?: number } };
  if ((metadata.eventCount ?? 0) > 2) run.progress.hasEmitted = true;
}

/**
 * Drives a body with promises. Rejects with what it throws. When its run is cancelled it is left where it is, with its
 * `finally` blocks run, and the reason is what rejects.
 */
async function drive(body: EffectBody, run: BodyRun): Promise<unknown> {
  let step: () => IteratorResult<Effect, unknown> = () => GeneratorNext(body, undefined);
  for (;;) {
    if (isAborted(run.signal)) {
      GeneratorReturn(body, undefined);
      throw abortReason(run.signal);
    }
    const { done, value: effect } = step();
    if (done === true) return effect;
    try {
      const result = await untilAborted(perform(effect, run), run.signal);
      step = () => GeneratorNext(body, result);
    } catch (error) {
      step = () => GeneratorThrow(body, error);
    }
  }
}

async function perform(effect: Effect, run: BodyRun): Promise<unknown> {
  switch (effect.do) {
    case "call":
      return callFor(run.id, effect.fn, undefined, effect.args);
    case "run":
      return runInside(effect, run);
    case "sleep":
      return sleep(effect.ms, run.signal);
    case "all":
      return driveAll(effect.bodies, effect.limit, run);
    case "result":
      return give(run, effect.value);
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

/** Hands out a result; the promise, where there is one, is fulfilled when there is room for more. */
function give(run: BodyRun, value: unknown): Promise<void> | undefined {
  if (callSync("run_yield", toYield(run, value)) === true) return undefined;
  return new SafePromise((resolve) => {
    const waiters = runById(run.id)?.waiters;
    if (waiters === undefined) resolve();
    else append(waiters, resolve);
  });
}

/** Runs a step as a part of this run. Text and tool events are forwarded by the host, results of a list are here. */
export function runInside(
  { step, binding, input, forwards, onResult, timeoutMs, interceptor }: RunEffect,
  run: BodyRun,
): Promise<unknown[]> {
  const isList = forwards === true && binding.kind === "list";
  const handOut = (value: unknown): Promise<void> | undefined => {
    onResult?.(value);
    return give(run, value);
  };
  return new SafePromise((resolve, reject) => {
    const onEvent = (event: GuestEvent, failure: unknown): void => {
      if (isTerminal(event.type)) {
        if (forwards === true) noteEmitted(run, event);
        if (event.type !== "final") reject(event.type === "error" ? failure : cancelledError());
        else {
          const results = event["results"] as unknown[];
          if (forwards !== true || isList) resolve(results);
          else resolve(giveAll(results, handOut));
        }
        return;
      }
      const ack = (): void => void callSync("run_ack", { id: inner.id, count: 1 });
      const waits = event.type === "partial" ? handOut(event["result"]) : undefined;
      if (waits === undefined) ack();
      else void promiseThen(waits, ack);
    };
    const { id: parent, signal } = run;
    const inner: Run = startRun(step, binding, input, onEvent, {
      want: isList ? "pull" : "result",
      signal,
      parent,
      forwards: forwards === true && !isList,
      timeoutMs,
      interceptor,
    });
  });
}

async function giveAll(results: unknown[], handOut: (value: unknown) => Promise<void> | undefined): Promise<unknown[]> {
  for (let i = 0; i < results.length; i++) await handOut(results[i]);
  return results;
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
async function driveAll(bodies: readonly (() => EffectBody)[], limit: number, run: BodyRun): Promise<unknown[]> {
  const { signal, abort } = createAbortController();
  const forget = onAbort(run.signal, abort);
  const { id, results, progress, isKept } = run;
  const inner: BodyRun = { id, results, progress, isKept, signal };
  const returned: unknown[] = [];
  for (let i = 0; i < bodies.length; i++) append(returned, undefined);
  let next = 0;
  let failure: { error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < bodies.length && failure === undefined) {
      const index = next++;
      try {
        returned[index] = await drive(bodies[index]!(), inner);
      } catch (error) {
        if (failure !== undefined) return;
        failure = { error };
        abort(error);
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

onFrame("run_call", (body) => {
  const run = runById(body[2] as string);
  if (run !== undefined) void answerCall(run, body[3] as number, body[4] as string, body[5]);
});

async function answerCall(run: Run, callId: number, name: string, args: unknown): Promise<void> {
  const { id } = run;
  try {
    if (name === "body") {
      await drive(run.binding.body!(run.input, run), run);
      callSync("run_answer", { id, callId });
    } else callSync("run_answer", { id, callId, value: await callFunction(run, name, args) });
  } catch (error) {
    callSync("run_answer", { id, callId, error: recordFailure(run, name, error) });
  }
}

/**
 * What the host is told of a failure; the error of a body is kept, to be given back as it was. What comes after an abort
 * is not why the run has ended.
 */
export function recordFailure(run: Run, name: string, error: unknown): ErrorRecord {
  if (name === "body" && !isAborted(run.signal)) run.failure = { error };
  if (typeof error !== "string") return describe(error);
  return { name: "Error", message: StringSlice(error, 0, MAX_ERROR_CHARS) };
}

/** Calls a function that a run may call back, for example a tool. */
export function callFunction(run: Run, name: string, args: unknown): unknown {
  const functions = run.binding.functionsOf?.(run.input);
  const called = functions?.[name];
  if (called === undefined) throw new SafeTypeError(`Cannot call "${name}": the run has no such function`);
  return callFor(run.id, called, functions, [args, run.signal, run]);
}
