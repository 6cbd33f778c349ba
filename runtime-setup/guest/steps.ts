import { type ErrorRecord } from "../../src/shared/frames.ts";
import { appendDelta, type EventFrame, type EventMeta, type EventStep, type StepInfo } from "../../src/shared/step-events.ts";
import { append, defineHidden, SafeError, SafeMap, SafePromise, SafeTypeError } from "../../src/shared/primordials.ts";
import { markHandled, rejectAborted, signalOf } from "./calls.ts";
import { describe, errorFromHost, guestError } from "./errors.ts";
import { callSync, defineGlobal, guard, onFrame, onReset } from "./kernel.ts";
import { isAborted, onAbort, type AbortSignal } from "./web/abort.ts";
import { randomUUID } from "./web/crypto.ts";

/** A step event as scripts see it. */
export interface GuestEvent {
  type: string;
  [field: string]: unknown;
}

/** How a step object reaches its step on the host, and how values change on the way. */
export interface StepBinding extends StepInfo {
  /** The name under which the host knows the step. */
  step: string;
  toInput(input: unknown): unknown;
  fromResult(result: unknown): unknown;
}

interface Run {
  id: string;
  owner: StepObject;
  binding: StepBinding;
  /** Called with each event; `record` comes with an error event. */
  onEvent(event: GuestEvent, record: ErrorRecord | undefined): void;
  meta: EventMeta;
  step: EventStep;
  completion: string;
  partials: number;
  lastSeq: number;
  cancelled: boolean;
  forget(): void;
}

const runs = new SafeMap<string, Run>();

function isTerminal(type: string): boolean {
  return type === "final" || type === "error" || type === "interrupt";
}

function toGuestEvent(run: Run, frame: EventFrame): GuestEvent {
  if (frame.meta) run.meta = frame.meta;
  if (frame.step) run.step = frame.step;
  // After a cancel the host has counted partials that were never delivered; a script's own count has no gap.
  run.lastSeq = run.cancelled ? run.lastSeq + 1 : frame.seq;
  const event: GuestEvent = { type: frame.type, meta: { ...run.meta }, step: { ...run.step } };
  event["seq"] = run.lastSeq;
  event["time"] = frame.time;
  switch (frame.type) {
    case "partial":
      run.completion = appendDelta(run.binding.kind, run.completion, frame.delta!, run.partials++ === 0);
      event["delta"] = frame.delta;
      event["completion"] = run.completion;
      if ("result" in frame) event["result"] = run.binding.fromResult(frame.result);
      break;
    case "final": {
      const results: unknown[] = [];
      for (let i = 0; i < frame.results!.length; i++) append(results, run.binding.fromResult(frame.results![i]));
      event["text"] = frame.text;
      event["result"] = run.binding.kind === "list" ? results : results[0];
      event["results"] = results;
      break;
    }
    case "error":
      event["error"] = frame.error!.message;
      event["code"] = frame.error!.code;
      break;
    case "interrupt":
      event["text"] = run.completion;
      break;
    case "tool-call":
      event["toolCall"] = frame.toolCall;
      break;
    case "tool-result":
      event["toolResult"] = frame.toolResult;
      break;
  }
  return event;
}

function deliverEvent(id: string, frame: EventFrame): void {
  const run = runs.get(id);
  if (run === undefined || (run.cancelled && !isTerminal(frame.type))) return;
  if (isTerminal(frame.type)) {
    runs.delete(id);
    run.forget();
  }
  guard(run.onEvent, [toGuestEvent(run, frame), frame.error]);
}

function cancelRun(run: Run): boolean {
  if (run.cancelled || !runs.has(run.id)) return false;
  const accepted = callSync("run_cancel", { id: run.id, deliveredChars: run.completion.length }) === true;
  if (accepted) run.cancelled = true;
  return accepted;
}

interface StartOptions {
  /** Should every event cross, or the last one only? */
  want: "events" | "result";
  signal?: AbortSignal | undefined;
}

const nothing = { messageId: "", parentId: "", engine: "" };

function startRun(owner: StepObject, binding: StepBinding, input: unknown, onEvent: Run["onEvent"], options: StartOptions): Run {
  const id = randomUUID();
  const { type, inputType, outputType } = binding;
  const step = { stepId: id, type, inputType, outputType, metadata: {} } as unknown as EventStep;
  const run: Run = { id, owner, binding, onEvent, meta: nothing, step, completion: "", partials: 0, lastSeq: -1, cancelled: false, forget() {} };
  runs.set(id, run);
  const request: Record<string, unknown> = { id, step: binding.step, want: options.want };
  try {
    try {
      request["input"] = binding.toInput(input);
      callSync("run_start", request);
    } catch (error) {
      if (isRefusal(error)) throw error;
      // What cannot be made an input is a failure of the run, which is to say an error event.
      callSync("run_start", { id, step: binding.step, want: options.want, failed: describe(error) });
    }
  } catch (error) {
    runs.delete(id);
    throw error;
  }
  const { signal } = options;
  if (signal !== undefined) {
    if (isAborted(signal)) cancelRun(run);
    else run.forget = onAbort(signal, () => cancelRun(run));
  }
  return run;
}

function isRefusal(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ERR_LIMIT_RUNS";
}

/** The array of results with its non-enumerable `metadata`. */
function withMetadata(results: unknown, event: GuestEvent): unknown {
  const { metadata } = event["step"] as EventStep;
  defineHidden(results as unknown[], "metadata", metadata);
  return results;
}

function checkedHandler(onEvent: unknown): (event: GuestEvent) => unknown {
  if (typeof onEvent === "function") return onEvent as (event: GuestEvent) => unknown;
  throw new SafeTypeError(`Cannot call runWithEvents: onEvent must be a function, not ${typeof onEvent}`);
}

/** What every step object can do, however the step was made. */
export class StepObject {
  readonly #binding: StepBinding;

  constructor(binding: StepBinding) {
    this.#binding = binding;
  }

  /** Starts a run and returns its id at once; events come in later turns, in order, the last one terminal. */
  runWithEvents(input: unknown, onEvent: unknown, options?: unknown): string {
    const handler = checkedHandler(onEvent);
    const signal = signalOf(options);
    return startRun(this, this.#binding, input, (event) => handler(event), { want: "events", signal }).id;
  }

  /** Cancels one run, or all of this step's. Was there anything to cancel? */
  cancel(runID?: string): boolean {
    if (runID !== undefined) {
      const run = runs.get(runID);
      return run !== undefined && run.owner === this && cancelRun(run);
    }
    const own: Run[] = [];
    runs.forEach((run) => {
      if (run.owner === this) append(own, run);
    });
    let any = false;
    for (let i = 0; i < own.length; i++) any = cancelRun(own[i]!) || any;
    return any;
  }

  /** Resolves with the array of results; the first error rejects, an abort rejects with the signal's reason. */
  startAsync(input: unknown, options?: unknown): Promise<unknown> {
    const signal = signalOf(options);
    if (signal !== undefined && isAborted(signal)) return rejectAborted(signal);
    let settle!: { resolve(value: unknown): void; reject(error: unknown): void };
    const promise = new SafePromise<unknown>((resolve, reject) => {
      settle = { resolve, reject };
    });
    let forget = (): void => {};
    const onEvent: Run["onEvent"] = (event, record) => {
      forget();
      if (event.type === "final") settle.resolve(withMetadata(event["results"], event));
      else if (event.type === "error") settle.reject(errorFromHost(record!, site));
      else settle.reject(guestError("AbortError", "The run was cancelled"));
    };
    const site = new SafeError();
    startRun(this, this.#binding, input, onEvent, { want: "result", signal });
    if (signal !== undefined) {
      forget = onAbort(signal, (reason) => {
        markHandled(promise);
        settle.reject(reason);
      });
    }
    return promise;
  }
}

defineHidden(StepObject.prototype, Symbol.toStringTag, "Step");

onFrame("event", (body) => deliverEvent(body[2] as string, body[3] as EventFrame));
onReset(() => runs.clear());

/** Gives scripts a step of the host's under a global name. Inputs and results cross as they are. */
export function installStep(config: StepInfo & { name: string; step: string }): void {
  const same = (value: unknown): unknown => value;
  defineGlobal(config.name, new StepObject({ ...config, toInput: same, fromResult: same }));
}
