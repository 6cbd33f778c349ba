/** Bodies of steps that wait with promises, and the calls that a run asks of this guest in turns of their own. */
import { isTerminal } from "../../../src/shared/step-events.ts";
import { BODY, DELIVERY, type GuestCall } from "../../../src/shared/contract/runs.ts";
import { FRAMES } from "../../../src/shared/contract/frame-kinds.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { append, GeneratorNext, GeneratorThrow, promiseThen, SafePromise } from "../../../src/shared/primordials.ts";
import { markHandled } from "../core/calls.ts";
import { callNote, callNoteOf, currentTurn, onFrame, setCause, tellsCauses } from "../core/kernel.ts";
import { clearTimer, startTimer } from "../core/timers.ts";
import { abortReason, createAbortController, isAborted, onAbort, type AbortSignal } from "../web/abort.ts";
import { driveBody, type Effects } from "./drive-body.ts";
import { cancelledError } from "./run-events.ts";
import { answerCall, answerFailure, callFunction, causeOf, isBodyCall, noteEmitted, toYield } from "./run-functions.ts";
import { yieldText } from "./run-messages.ts";
import type { GuestEvent, Run } from "./run.ts";
import { callFor, callForResult, endedChars, MANY_CHARS, runById, startRun, type StartOptions } from "./runs.ts";
import type { AllEffect, BodyRun, EffectBody, RunEffect, StepBinding } from "./step-body.ts";

const effects: Effects = {
  call: ({ fn, args, givesResult }, run) =>
    givesResult === true ? callForResult(run.id, fn, args) : callFor(run.id, fn, undefined, args),
  run: runInside,
  all: driveAll,
  sleep,
  result: ({ value, endsPart }, run) => handOut(run, value, endsPart),
  failed: () => false,
};

/** Drives a body to its end. Rejects with what it throws. */
async function awaitBody(body: EffectBody, run: BodyRun): Promise<unknown> {
  const driver = driveBody(body, run, effects);
  let step: () => IteratorResult<unknown, unknown> = () => GeneratorNext(driver, undefined);
  for (;;) {
    const { done, value } = step();
    if (done === true) return value;
    try {
      const result = isPlain(value) ? await settledValue(value) : await untilAborted(value, run.signal);
      step = () => GeneratorNext(driver, result);
    } catch (error) {
      step = () => GeneratorThrow(driver, error);
    }
  }
}

/** Is it there already, and nothing that a prototype of the script's would be asked about? */
function isPlain(value: unknown): boolean {
  return value === null || (typeof value !== "object" && typeof value !== "function");
}

/** The value as late as {@link untilAborted} gives one that is there: what else goes on in the turn keeps its place. */
async function settledValue(value: unknown): Promise<unknown> {
  await NOTHING;
  await NOTHING;
  return value;
}

/** Awaits it: a promise that is resolved with a promise, or returned by an async function, asks it for its `then`. */
async function settle(value: unknown): Promise<unknown> {
  const settled: unknown = await value;
  return settled;
}

/** What the value becomes, or the reason of the signal, whichever is first. */
function untilAborted(value: unknown, signal: AbortSignal): Promise<unknown> {
  return new SafePromise((resolve, reject) => {
    const settled = settle(value);
    if (isAborted(signal)) {
      reject(abortReason(signal));
      markHandled(settled);
      return;
    }
    const forget = onAbort(signal, reject);
    void (async () => {
      try {
        resolve(await settled);
      } catch (error) {
        reject(error);
      } finally {
        forget();
      }
    })();
  });
}

/** Hands out a result; the promise, where there is one, is fulfilled when there is room for more. */
function handOut(run: BodyRun, value: unknown, endsPart?: number): Promise<void> | undefined {
  const given = toYield(run, value, endsPart);
  const text = yieldText(given);
  const chars = text === undefined ? callNote(OPS.run_yield, given) : callNoteOf(OPS.run_yield, text);
  const outer = runById(run.id);
  if (outer === undefined) return undefined;
  outer.handedOut += chars;
  if (--outer.credit > 0) return undefined;
  return new SafePromise((resolve) => append(outer.waiters, resolve));
}

/** Runs a step as a part of this run. Text and tool events are forwarded by the host, results of a list are here. */
export function runInside(
  { step, binding, input, forwards, streams, part, onResult, timeoutMs, interception }: RunEffect,
  run: BodyRun,
): Promise<unknown[]> {
  const isList = forwards === true && binding.kind === "list";
  const pass = (value: unknown): Promise<void> | undefined => {
    onResult?.(value);
    return handOut(run, value);
  };
  return new SafePromise((resolve, reject) => {
    const onEvent = (event: GuestEvent, failure: unknown): void => {
      if (isTerminal(event.type)) {
        if (forwards === true) noteEmitted(run, event);
        if (event.type !== "final") reject(event.type === "error" ? failure : cancelledError());
        else {
          const results = event["results"] as unknown[];
          if (forwards !== true || isList) resolve(results);
          else void promiseThen(passAll(results, pass), resolve as (value: unknown) => void, reject);
        }
        return;
      }
      const ack = (): void => void callNote(OPS.run_ack, { id: inner.id, count: 1 });
      const waits = event.type === "partial" ? pass(event["result"]) : undefined;
      if (waits === undefined) ack();
      else void promiseThen(waits, ack);
    };
    const { id: parent, signal } = run;
    const inner: Run = startAtOnce(step, binding, input, onEvent, {
      delivery: isList ? DELIVERY.pulled : DELIVERY.last,
      signal,
      parent,
      forwards: forwards === true || streams === true,
      part,
      timeoutMs,
      interception,
    });
  });
}

async function passAll(results: unknown[], pass: (value: unknown) => Promise<void> | undefined): Promise<unknown[]> {
  for (let i = 0; i < results.length; i++) await pass(results[i]);
  return results;
}

function sleep(ms: number, { signal }: BodyRun): Promise<void> {
  return new SafePromise((resolve) => {
    const timer = startTimer(() => {
      forget();
      resolve();
    }, ms);
    const forget = onAbort(signal, () => clearTimer(timer));
  });
}

/** Keeps at most `limit` bodies going. When one fails the others' signal aborts, and its error is the outcome. */
async function driveAll({ bodies, limit }: AllEffect, run: BodyRun): Promise<unknown[]> {
  const { signal, abort } = createAbortController();
  const forget = onAbort(run.signal, abort);
  const { id, results, progress, isKept, isWaitedFor } = run;
  const inner: BodyRun = { id, results, progress, isKept, isWaitedFor, signal };
  const returned: unknown[] = [];
  for (let i = 0; i < bodies.length; i++) append(returned, undefined);
  let next = 0;
  let failure: { error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < bodies.length && failure === undefined) {
      const index = next++;
      try {
        returned[index] = await awaitBody(bodies[index]!(), inner);
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

onFrame(FRAMES.run_call, (runId, callId, name, args) => {
  const run = runById(runId);
  if (run === undefined) return;
  const call: GuestCall = { callId, name, args };
  if (isBodyCall(call) && run.endedBefore > knownChars) knownChars = run.endedBefore;
  void serveCall(run, call);
});

/** The turn in which a body has begun with its run. */
let begunIn: number | undefined;
/** The runs that had ended when this much had, the host knows to have ended. */
let knownChars = 0;

/**
 * Starts a run. A body whose start nobody is to see begins in the microtasks of this turn: it need not be asked for by the
 * host. One for each turn does: others get turns of their own, between which other things have theirs. And none does where
 * the host may still hold many results of runs whose end this guest has seen: they would count with those of this one.
 */
export function startAtOnce(
  owner: object,
  binding: StepBinding,
  input: unknown,
  onEvent: Run["onEvent"],
  options: StartOptions,
): Run {
  const { delivery, interception } = options;
  const isUnseen = delivery === DELIVERY.last && interception === undefined && !tellsCauses();
  const isFree = begunIn !== currentTurn() && endedChars() - knownChars < MANY_CHARS;
  const hasBegun = binding.body !== undefined && isUnseen && isFree;
  if (!hasBegun) return startRun(owner, binding, input, onEvent, options);
  const run = startRun(owner, binding, input, onEvent, { ...options, hasBegun });
  begunIn = currentTurn();
  void begin(run);
  return run;
}

/** What can be awaited without asking a prototype of the script's. */
const NOTHING: unknown = undefined;

async function begin(run: Run): Promise<void> {
  await NOTHING;
  // What has followed the start in its turn may have ended the run, or all of them.
  if (runById(run.id) === run) await serveCall(run, { callId: 1, name: BODY, args: [] });
}

async function serveCall(run: Run, call: GuestCall): Promise<void> {
  setCause(causeOf(run, call));
  try {
    const value = await (isBodyCall(call)
      ? awaitBody(run.binding.body!(run.input, run), run)
      : callFunction(run, call));
    answerCall(run, call, value);
  } catch (error) {
    answerFailure(run, call, error);
  }
}
