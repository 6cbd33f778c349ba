/**
 * The runs that this guest has started. A run's life is the host's (see the run mechanism there): here it is an id, what
 * to do with its events, and the functions that it may call back.
 */
import type { ErrorRecord } from "../../src/shared/frames.ts";
import { appendDelta, type EventFrame, type EventMeta, type EventStep, type StepInfo } from "../../src/shared/step-events.ts";
import {
  append,
  defineField,
  defineHidden,
  SafeError,
  SafeMap,
  SafePromise,
} from "../../src/shared/primordials.ts";
import type { Body, BodyRun } from "./effects.ts";
import { describe, errorFromHost, guestError } from "./errors.ts";
import { callSync, guard, onFrame, onReset } from "./kernel.ts";
import { createAbortController, isAborted, onAbort, type AbortSignal } from "./web/abort.ts";
import { randomUUID } from "./web/crypto.ts";

/** A step event as scripts see it. */
export interface GuestEvent {
  type: string;
  [field: string]: unknown;
}

/** Where a step's work is done, and how values change on the way. */
export interface StepBinding extends StepInfo {
  /** The name under which the host knows the step; "guest" for one whose body is here. */
  step: string;
  /** For a step of the host's: what crosses for an input. */
  toInput?(input: unknown): unknown;
  /** For a step of the host's: what a script gets for a result that crossed. */
  fromResult?(result: unknown): unknown;
  /** Functions that the step may call back, by name. */
  functionsOf?(input: unknown): Record<string, (args: unknown, signal: AbortSignal) => unknown>;
  /** For a step that was made here: what it does. */
  body?: Body;
}

export interface Run extends BodyRun {
  readonly owner: object;
  readonly binding: StepBinding;
  readonly input: unknown;
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
  /** What a body here threw, to give it back as it was. */
  failure?: { error: unknown };
  forget(): void;
}

const runs = new SafeMap<string, Run>();
onReset(() => runs.clear());

export interface StartOptions {
  want: "events" | "pull" | "result" | "wait";
  signal?: AbortSignal | undefined;
}

/** Starts a run. What cannot be made an input is a failure of the run, which is to say an error event. */
export function startRun(
  owner: object,
  binding: StepBinding,
  input: unknown,
  onEvent: Run["onEvent"],
  { want, signal }: StartOptions,
): Run {
  const id = randomUUID();
  const { type, inputType, outputType } = binding;
  const run: Run = {
    id,
    owner,
    binding,
    input,
    onEvent,
    meta: { messageId: "", parentId: "", engine: "" },
    step: { stepId: id, type, inputType, outputType, metadata: { stepId: id, type, inputType, outputType, startedAt: 0 } },
    completion: "",
    partials: 0,
    lastSeq: -1,
    cancelled: false,
    site: new SafeError(),
    controller: createAbortController(),
    results: [],
    get signal() {
      return run.controller.signal;
    },
    forget() {},
  };
  runs.set(id, run);
  try {
    requestStart(run, want);
  } catch (error) {
    runs.delete(id);
    throw error;
  }
  if (signal !== undefined) {
    if (isAborted(signal)) cancelRun(run);
    else run.forget = onAbort(signal, () => cancelRun(run));
  }
  return run;
}

function requestStart(run: Run, want: StartOptions["want"]): void {
  const { id, binding, input } = run;
  const { step, type, inputType, outputType, kind } = binding;
  if (binding.body !== undefined) {
    callSync("run_start", { id, step, want, input: { type, inputType, outputType, kind } });
    return;
  }
  try {
    callSync("run_start", { id, step, want, input: binding.toInput === undefined ? input : binding.toInput(input) });
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === "ERR_LIMIT_RUNS") throw error;
    callSync("run_start", { id, step, want, failed: describe(error) });
  }
}

/** Cancels a run. Once this has returned true, the next event is the interrupt. */
export function cancelRun(run: Run): boolean {
  if (run.cancelled || !runs.has(run.id)) return false;
  const accepted = callSync("run_cancel", { id: run.id, deliveredChars: run.completion.length }) === true;
  if (accepted) run.cancelled = true;
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

function isTerminal(type: string): boolean {
  return type === "final" || type === "error" || type === "interrupt";
}

function fromResult({ binding }: Run, result: unknown): unknown {
  return binding.fromResult === undefined ? result : binding.fromResult(result);
}

/** The originals of a step that was made here; what crossed and came back of any other. */
function resultsOf(run: Run, crossed: readonly unknown[]): unknown[] {
  if (run.binding.body !== undefined) return run.results;
  const results: unknown[] = [];
  for (let i = 0; i < crossed.length; i++) append(results, fromResult(run, crossed[i]));
  return results;
}

export function toGuestEvent(run: Run, frame: EventFrame): GuestEvent {
  if (frame.meta) run.meta = frame.meta;
  if (frame.step) run.step = frame.step;
  // After a cancel the host has counted partials that were never delivered; a script's own count has no gap.
  run.lastSeq = run.cancelled ? run.lastSeq + 1 : frame.seq;
  const event: GuestEvent = {
    type: frame.type,
    meta: { ...run.meta },
    step: { ...run.step },
    seq: run.lastSeq,
    time: frame.time,
  };
  switch (frame.type) {
    case "partial":
      if ("result" in frame) defineField(event, "result", resultsOf(run, [frame.result])[run.binding.body ? run.partials : 0]);
      run.completion = appendDelta(run.binding.kind, run.completion, frame.delta!, run.partials++ === 0);
      defineField(event, "delta", frame.delta);
      defineField(event, "completion", run.completion);
      break;
    case "final": {
      const results = resultsOf(run, frame.results!);
      defineField(event, "text", frame.text);
      defineField(event, "result", run.binding.kind === "list" ? results : results[0]);
      defineField(event, "results", results);
      break;
    }
    case "error":
      defineField(event, "error", frame.error!.message);
      defineField(event, "code", frame.error!.code);
      break;
    case "interrupt":
      defineField(event, "text", run.completion);
      break;
    case "tool-call":
      defineField(event, "toolCall", frame.toolCall);
      break;
    case "tool-result":
      defineField(event, "toolResult", frame.toolResult);
      break;
  }
  return event;
}

/** The error of a run as its script is to get it: the one that was thrown here, or one that stands for the host's. */
export function errorOf(run: Run, record: ErrorRecord | undefined): unknown {
  if (record === undefined) return undefined;
  return run.failure === undefined ? errorFromHost(record, run.site) : run.failure.error;
}

function deliverEvent(id: string, frame: EventFrame): void {
  const run = runs.get(id);
  if (run === undefined || (run.cancelled && !isTerminal(frame.type))) return;
  if (isTerminal(frame.type)) endRun(run);
  guard(run.onEvent, [toGuestEvent(run, frame), errorOf(run, frame.error)]);
}

/** The run is over: nothing more is delivered to it. */
export function endRun(run: Run): void {
  runs.delete(run.id);
  run.forget();
}

onFrame("event", (body) => deliverEvent(body[2] as string, body[3] as EventFrame));
onFrame("run_abort", (body) => runs.get(body[2] as string)?.controller.abort(cancelledError()));
/** The array of results with its non-enumerable `metadata`. */
export function withMetadata(event: GuestEvent): unknown[] {
  const results = event["results"] as unknown[];
  defineHidden(results, "metadata", (event["step"] as EventStep).metadata);
  return results;
}

/** Why a run that was cancelled has no results. */
export function cancelledError(): Error {
  return guestError("AbortError", "The run was cancelled");
}

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
  { signal, onPartial }: CollectOptions,
): Promise<unknown[]> {
  return new SafePromise((resolve, reject) => {
    let forget = (): void => {};
    const onEvent: Run["onEvent"] = (event, failure) => {
      if (!isTerminal(event.type)) return onPartial?.(event);
      forget();
      if (event.type === "final") resolve(withMetadata(event));
      else reject(event.type === "error" ? failure : cancelledError());
    };
    startRun(owner, binding, input, onEvent, { want: onPartial === undefined ? "result" : "events", signal });
    if (signal !== undefined) forget = onAbort(signal, reject);
  });
}
