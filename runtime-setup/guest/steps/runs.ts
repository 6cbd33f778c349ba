/**
 * The runs that this guest has started. A run's life is the host's (see the run mechanism there): here it is an id, what
 * to do with its events, and the functions that it may call back.
 */
import { FRAMES } from "../../../src/shared/contract/frame-kinds.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { DELIVERY, YIELD_CREDIT, type RunStart } from "../../../src/shared/contract/runs.ts";
import { isTerminal, type EventFrame } from "../../../src/shared/step-events.ts";
import { append, ReflectApply, SafeError, SafeMap } from "../../../src/shared/primordials.ts";
import { describe } from "../core/errors.ts";
import {
  callNote,
  callSync,
  checkLimit,
  currentCause,
  giveBack,
  guard,
  noteKept,
  onFrame,
  onReset,
  setCause,
  toCall,
  toCallOf,
} from "../core/kernel.ts";
import { cancelledError, errorOf, toGuestEvent } from "./run-events.ts";
import { startText } from "./run-messages.ts";
import type { Run } from "./run.ts";
import type { StepBinding } from "./step-body.ts";
import { createAbortController, isAborted, onAbort, type AbortSignal } from "../web/abort.ts";
import { randomUUID } from "../web/crypto.ts";

const runs = new SafeMap<string, Run>();

/** The run whose function is being called: what that starts belongs to it. */
let caller: string | undefined;

/** What that function has started, where its result is that run's own. */
let startedForResult: Run[] | undefined;

/** Counts how often everything was forgotten: what was under way before is under way no more. */
let generation = 0;

onReset(() => {
  runs.clear();
  caller = undefined;
  startedForResult = undefined;
  generation++;
});

/** Length of the results of runs that have ended here; of those whose results the host made, as much as is ever asked. */
let ended = 0;

export function endedChars(): number {
  return ended;
}

/** More than this of the host's results nobody asks for. */
export const MANY_CHARS = 16_384;

export function currentGeneration(): number {
  return generation;
}

export interface StartOptions extends Pick<
  RunStart,
  "delivery" | "hasBegun" | "parent" | "forwards" | "part" | "timeoutMs" | "interception"
> {
  signal?: AbortSignal | undefined;
  /** Where the script starts it; default here. */
  site?: Error | undefined;
}

/** Starts a run. What cannot be made an input is a failure of the run, which is to say an error event. */
export function startRun(
  owner: object,
  binding: StepBinding,
  input: unknown,
  onEvent: Run["onEvent"],
  options: StartOptions,
): Run {
  checkLimit("runs", runs.size + 1);
  const { delivery, signal, parent, site } = options;
  const id = randomUUID();
  const { type, inputType, outputType } = binding;
  const controller = createAbortController();
  const run: Run = {
    id,
    owner,
    binding,
    input,
    delivery,
    onEvent,
    meta: { messageId: "", parentId: "", engine: "" },
    step: {
      stepId: id,
      type,
      inputType,
      outputType,
      metadata: { stepId: id, type, inputType, outputType, startedAt: 0 },
    },
    completion: "",
    partials: 0,
    goesOn: true,
    lastSeq: -1,
    wantsAck: false,
    tellTaken() {},
    cancelled: false,
    isGivenUp: false,
    // A part of a run is started by the runtime, in a turn of its own: the script called where the whole was started.
    site: (parent === undefined ? site : runs.get(parent)?.site) ?? new SafeError(),
    controller,
    signal: controller.signal,
    results: [],
    progress: { hasEmitted: false },
    isKept: options.interception !== undefined,
    isWaitedFor: delivery === DELIVERY.waited,
    chars: 0,
    handedOut: 0,
    endedBefore: ended,
    credit: YIELD_CREDIT,
    waiters: [],
    failure: undefined,
    cause: currentCause(),
    forget() {},
  };
  // A run that is waited for has ended before the function returns, which is when that is decided.
  const isUndecided = options.parent === undefined && startedForResult !== undefined && delivery !== DELIVERY.waited;
  if (isUndecided) append(startedForResult!, run);
  run.chars = requestStart(run, options, isUndecided);
  runs.set(id, run);
  if (signal !== undefined) {
    if (isAborted(signal)) cancelRun(run);
    else run.forget = onAbort(signal, (reason) => cancelRun(run, reason));
  }
  return run;
}

function requestStart(
  run: Run,
  { delivery, hasBegun, parent, forwards, part, timeoutMs, interception }: StartOptions,
  isUndecided: boolean,
): number {
  const { id, binding, input } = run;
  const inherits = parent !== undefined;
  const request: Omit<RunStart, "step"> = {
    id,
    delivery,
    parent: parent ?? caller,
    inherits,
    forwards,
    isUndecided,
    part,
    timeoutMs,
    interception,
  };
  if (binding.body !== undefined) {
    return noteKept(toCallOf(OPS.run_start, startText(binding, { ...request, hasBegun })));
  }
  const { step } = binding;
  try {
    const given = binding.toInput === undefined ? input : binding.toInput(input);
    return noteKept(toCall(OPS.run_start, { ...request, step, input: given }));
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === "ERR_LIMIT_ARGUMENTS") throw error;
    return noteKept(toCall(OPS.run_start, { ...request, step, failed: describe(error) }));
  }
}

/** Cancels a run, and with it what its functions and its body do. Once this has returned true, the next event is the interrupt. */
export function cancelRun(run: Run, reason: unknown = cancelledError()): boolean {
  if (run.cancelled || !runs.has(run.id)) return false;
  run.isGivenUp = true;
  const sees = run.delivery === DELIVERY.every || run.delivery === DELIVERY.pulled;
  const accepted = callSync(OPS.run_cancel, {
    id: run.id,
    deliveredChars: sees ? run.completion.length : undefined,
  });
  if (accepted) run.cancelled = true;
  // Even where the host was first, or the end is under way already: nobody waits for what is still done here.
  run.controller.abort(reason);
  return accepted;
}

/** The runs of one step object. */
export function runsOf(owner: object): Run[] {
  const own: Run[] = [];
  runs.forEach((run) => {
    if (run.owner === owner) append(own, run);
  });
  return own;
}

export function runById(id: string): Run | undefined {
  return runs.get(id);
}

/** Calls a function of the script's for a run: the runs that it starts before it returns end with that one. */
export function callFor(
  id: string,
  fn: (...args: never[]) => unknown,
  receiver: unknown,
  args: readonly unknown[],
): unknown {
  const outer = caller;
  const startedByOuter = startedForResult;
  caller = id;
  startedForResult = undefined;
  try {
    return ReflectApply(fn, receiver, args);
  } finally {
    caller = outer;
    startedForResult = startedByOuter;
  }
}

/**
 * Likewise, of a function whose result is the run's own: where it has started one run before it returns, and the step of
 * that one does not give a list, its text is the run's text.
 */
export function callForResult(id: string, fn: (...args: never[]) => unknown, args: readonly unknown[]): unknown {
  const started: Run[] = [];
  const call = (): unknown => {
    startedForResult = started;
    return ReflectApply(fn, undefined, args);
  };
  try {
    return callFor(id, call, undefined, []);
  } finally {
    for (let i = 0; i < started.length; i++) {
      const { id: own, binding } = started[i]!;
      callNote(OPS.run_forward, { id: own, forwards: started.length === 1 && binding.kind !== "list" });
    }
  }
}

function deliverEvent(id: string, frame: EventFrame): void {
  const run = runs.get(id);
  if (run === undefined || (run.cancelled && !isTerminal(frame.type))) return;
  if (isTerminal(frame.type)) endRun(run);
  setCause(run.cause);
  run.wantsAck = frame.wantsAck === true;
  const event = toGuestEvent(run, frame);
  const error = errorOf(run, frame.error);
  // What still works for a run that has failed can stop.
  if (error !== undefined) run.controller.abort(error);
  guard(run.onEvent, [event, error]);
}

/** The run is over: nothing more is delivered to it. */
export function endRun(run: Run): void {
  if (runs.delete(run.id)) giveBack(run.chars);
  ended += run.binding.body === undefined ? MANY_CHARS : run.handedOut;
  run.forget();
}

onFrame(FRAMES.event_deliver, deliverEvent);
onFrame(FRAMES.acks_now, (id) => {
  const run = runs.get(id);
  if (run === undefined) return;
  run.wantsAck = true;
  run.tellTaken();
});
onFrame(FRAMES.run_abort, (id) => runs.get(id)?.controller.abort(cancelledError()));
onFrame(FRAMES.run_resume, (id, count) => {
  const run = runs.get(id);
  if (run === undefined) return;
  run.credit += count;
  setCause(id);
  const { waiters } = run;
  if (run.credit <= 0) return;
  const { length } = waiters;
  for (let i = 0; i < length; i++) waiters[i]!();
  waiters.length = 0;
});
