/** The events of a run as its script gets them, made of the frames that cross. */
import type { ErrorRecord } from "../../../src/shared/frames.ts";
import { appendDelta, type EventFrame, type EventStep, type StepKind } from "../../../src/shared/step-events.ts";
import { append, defineHidden, ObjectHasOwn } from "../../../src/shared/primordials.ts";
import { asScriptError, errorFromHost, guestError } from "../core/errors.ts";
import type { GuestEvent, Run } from "./run.ts";

function fromResult({ binding }: Run, result: unknown): unknown {
  return binding.fromResult === undefined ? result : binding.fromResult(result);
}

/** The originals of a step that was made here; what crossed of any other, and of a run that the host has kept. */
function resultsOf(run: Run, crossed: readonly unknown[] | undefined): unknown[] {
  if (crossed === undefined) return run.results;
  const results: unknown[] = [];
  for (let i = 0; i < crossed.length; i++) append(results, fromResult(run, crossed[i]));
  return results;
}

/** What has told a result before its end gives a list, whatever was known of it. */
function kindOf({ binding, partials }: Run): StepKind {
  return partials > 0 ? "list" : binding.kind;
}

/** What every event has. */
type CommonFields = Pick<EventFrame, "type" | "seq" | "time"> & { meta: object; step: object };

/** Made as a whole: to define one field after the other takes V8 several times as long. */
export function toGuestEvent(run: Run, frame: EventFrame): GuestEvent {
  if (frame.meta) run.meta = frame.meta;
  if (frame.step) run.step = frame.step;
  // After a cancel the host has counted partials that were never delivered; a script's own count has no gap.
  run.lastSeq = run.cancelled ? run.lastSeq + 1 : frame.seq;
  const common = { type: frame.type, meta: { ...run.meta }, step: { ...run.step }, seq: run.lastSeq, time: frame.time };
  switch (frame.type) {
    case "partial":
      return toPartial(run, frame, common);
    case "reasoning":
      return { ...common, delta: frame.delta };
    case "final": {
      const results = resultsOf(run, frame.results);
      const result = kindOf(run) === "list" ? results : results[0];
      return { ...common, text: frame.text, result, results };
    }
    case "error":
      return { ...common, error: frame.error!.message, code: frame.error!.code };
    case "interrupt":
      return { ...common, text: run.completion };
    case "tool-call":
      return { ...common, toolCall: frame.toolCall };
    case "tool-result":
      return { ...common, toolResult: frame.toolResult };
    case "context":
      return { ...common, context: frame.context };
    case "progress":
      return { ...common, progress: frame.progress };
    case "log":
      return { ...common, log: frame.log };
    default:
      return common;
  }
}

function toPartial(run: Run, frame: EventFrame, { type, meta, step, seq, time }: CommonFields): GuestEvent {
  const isPiece = frame.isPiece === true;
  const completesResult = !isPiece && run.binding.kind !== "text";
  let result: unknown;
  if (completesResult) {
    const index = run.partials++;
    const isCopy = run.binding.body === undefined || ObjectHasOwn(frame, "result");
    result = isCopy ? fromResult(run, frame.result) : run.results[index];
  }
  const delta = frame.delta!;
  run.completion = appendDelta(kindOf(run), run.completion, delta, run.goesOn);
  run.goesOn = isPiece;
  const { completion } = run;
  return completesResult
    ? { type, meta, step, seq, time, result, delta, completion }
    : { type, meta, step, seq, time, delta, completion };
}

/** The error of a run as its script is to get it: the one that was thrown here, or one that stands for the host's. */
export function errorOf(run: Run, record: ErrorRecord | undefined): unknown {
  if (record === undefined) return undefined;
  return run.failure === undefined ? errorFromHost(record, run.site) : asScriptError(run.failure.error);
}

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
