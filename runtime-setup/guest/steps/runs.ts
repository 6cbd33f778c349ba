/**
 * The runs that this guest has started. A run's life is the host's (see the run mechanism there): here it is an id, what
 * to do with its events, and the functions that it may call back.
 */
import type { EventFrame, EventMeta, EventStep, StepInfo } from "../../../src/shared/step-events.ts";
import { append, ReflectApply, SafeError, SafeMap, SafePromise } from "../../../src/shared/primordials.ts";
import type { Interceptor, Body, BodyRun } from "./effects.ts";
import { describe } from "../core/errors.ts";
import { callSync, guard, onFrame, onReset } from "../core/kernel.ts";
import { cancelledError, errorOf, isTerminal, toGuestEvent, withMetadata, type GuestEvent } from "./run-events.ts";
import { createAbortController, isAborted, onAbort, type AbortSignal } from "../web/abort.ts";
import { randomUUID } from "../web/crypto.ts";

/** Where a step's work is done, and how values change on the way. */
export interface StepBinding extends StepInfo {
  /** The name under which the host knows the step; "guest" for one whose body is here. */
  step: string;
  /** The binding for this input, where it depends on it. */
  forInput?(input: unknown): StepBinding;
  /** For a step of the host's: what crosses for an input. */
  toInput?(input: unknown): unknown;
  /** What a script gets for a result that crossed: of a step of the host's, or of a run that was kept. */
  fromResult?(result: unknown): unknown;
  /** Functions that the step may call back, by name. */
  functionsOf?(input: unknown): Record<string, (args: unknown, signal: AbortSignal, run: Run) => unknown>;
  /** For a step that was made here: what it does. */
  body?: Body;
}

export interface Run extends BodyRun {
  readonly owner: object;
  readonly binding: StepBinding;
  readonly input: unknown;
  readonly want: StartOptions["want"];
  /** Called with each event; `error` comes with an error event. */
  readonly onEvent: (event: GuestEvent, error: unknown) => void;
  meta: EventMeta;
  step: EventStep;
  completion: string;
  partials: number;
  lastSeq: number;
  cancelled: boolean;
  /** Where the script started it. */
  readonly site: Error;
  /** Aborted when the run is: what its functions and its body get. */
  readonly controller: { signal: AbortSignal; abort(reason?: unknown): void };
  /** Resume a body that waits for room. */
  readonly waiters: (() => void)[];
  /** What a body here threw, to give it back as it was. */
  failure: { error: unknown } | undefined;
  forget(): void;
}

const runs = new SafeMap<string, Run>();

/** The run whose function is being called: what that starts belongs to it. */
let caller: string | undefined;

/** Counts how often everything was forgotten: what was under way before is under way no more. */
let generation = 0;

onReset(() => {
  runs.clear();
  caller = undefined;
  generation++;
});

export function currentGeneration(): number {
  return generation;
}

export interface StartOptions {
  want: "events" | "pull" | "result" | "wait";
  signal?: AbortSignal | undefined;
  /** The run of which this one is a part: it ends with it, and its usage is that one's too. */
  parent?: string | undefined;
  /** Its pieces of text and tool events are its parent's too. */
  forwards?: boolean | undefined;
  timeoutMs?: number | undefined;
  interceptor?: Interceptor | undefined;
}

/** Starts a run. What cannot be made an input is a failure of the run, which is to say an error event. */
export function startRun(
  owner: object,
  binding: StepBinding,
  input: unknown,
  onEvent: Run["onEvent"],
  options: StartOptions,
): Run {
  const { want, signal } = options;
  const id = randomUUID();
  const { type, inputType, outputType } = binding;
  const controller = createAbortController();
  const run: Run = {
    id,
    owner,
    binding,
    input,
    want,
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
    lastSeq: -1,
    cancelled: false,
    site: new SafeError(),
    controller,
    signal: controller.signal,
    results: [],
    progress: { hasEmitted: false },
    isKept: options.interceptor !== undefined,
    waiters: [],
    failure: undefined,
    forget() {},
  };
  runs.set(id, run);
  try {
    requestStart(run, options);
  } catch (error) {
    runs.delete(id);
    throw error;
  }
  if (signal !== undefined) {
    if (isAborted(signal)) cancelRun(run);
    else run.forget = onAbort(signal, (reason) => cancelRun(run, reason));
  }
  return run;
}

function requestStart(run: Run, { want, parent, forwards, timeoutMs, interceptor }: StartOptions): void {
  const { id, binding, input } = run;
  const { step, type, inputType, outputType, kind } = binding;
  const inherits = parent !== undefined;
  const request = { id, step, want, parent: parent ?? caller, inherits, forwards, timeoutMs, interceptor };
  if (binding.body !== undefined) {
    callSync("run_start", { ...request, input: { type, inputType, outputType, kind } });
    return;
  }
  try {
    callSync("run_start", { ...request, input: binding.toInput === undefined ? input : binding.toInput(input) });
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === "ERR_LIMIT_RUNS") throw error;
    callSync("run_start", { ...request, failed: describe(error) });
  }
}

/** Cancels a run, and with it what its functions and its body do. Once this has returned true, the next event is the interrupt. */
export function cancelRun(run: Run, reason: unknown = cancelledError()): boolean {
  if (run.cancelled || !runs.has(run.id)) return false;
  const sees = run.want === "events" || run.want === "pull";
  const accepted =
    callSync("run_cancel", { id: run.id, deliveredChars: sees ? run.completion.length : undefined }) === true;
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
  caller = id;
  try {
    return ReflectApply(fn, receiver, args);
  } finally {
    caller = outer;
  }
}

function deliverEvent(id: string, frame: EventFrame): void {
  const run = runs.get(id);
  if (run === undefined || (run.cancelled && !isTerminal(frame.type))) return;
  if (isTerminal(frame.type)) endRun(run);
  const event = toGuestEvent(run, frame);
  const error = errorOf(run, frame.error);
  // What still works for a run that has failed can stop.
  if (error !== undefined) run.controller.abort(error);
  guard(run.onEvent, [event, error]);
}

/** The run is over: nothing more is delivered to it. */
export function endRun(run: Run): void {
  runs.delete(run.id);
  run.forget();
}

onFrame("event", (body) => deliverEvent(body[2] as string, body[3] as EventFrame));
onFrame("run_abort", (body) => runs.get(body[2] as string)?.controller.abort(cancelledError()));
onFrame("run_room", (body) => {
  const waiters = runs.get(body[2] as string)?.waiters;
  if (waiters === undefined) return;
  const { length } = waiters;
  for (let i = 0; i < length; i++) waiters[i]!();
  waiters.length = 0;
});

export interface CollectOptions {
  signal?: AbortSignal | undefined;
  /** Hears of each partial event; without it none crosses. */
  onPartial?: (event: GuestEvent) => void;
}

/** Runs a step to its end: the array of results with its metadata, or the error, or the signal's reason. */
export function collect(
  owner: object,
  binding: StepBinding,
  input: unknown,
  { signal, onPartial }: CollectOptions = {},
): Promise<unknown[]> {
  return new SafePromise((resolve, reject) => {
    let forget = (): void => {};
    const onEvent: Run["onEvent"] = (event, failure) => {
      if (!isTerminal(event.type)) {
        if (event.type === "partial") onPartial?.(event);
        return;
      }
      forget();
      if (event.type === "final") resolve(withMetadata(event));
      else reject(event.type === "error" ? failure : cancelledError());
    };
    startRun(owner, binding, input, onEvent, { want: onPartial === undefined ? "result" : "events", signal });
    if (signal !== undefined) forget = onAbort(signal, reject);
  });
}
