/** The calls that the host makes for a run: of the body of a step that was made here, and of functions given with it. */
import { encodeValue } from "../../../src/shared/codec.ts";
import { BODY, type GuestCall, type RunYield } from "../../../src/shared/contract/runs.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { decodeValue } from "../../../src/shared/decode.ts";
import { MAX_ERROR_CHARS, type ErrorRecord } from "../../../src/shared/frames.ts";
import { append, SafeTypeError, StringSlice } from "../../../src/shared/primordials.ts";
import { describe } from "../core/errors.ts";
import { callNote, callNoteOf } from "../core/kernel.ts";
import { isAborted } from "../web/abort.ts";
import { endText } from "./run-messages.ts";
import type { GuestEvent, Run } from "./run.ts";
import { callFor } from "./runs.ts";
import type { BodyRun } from "./step-body.ts";

/** Longest text of which nobody needs to ask whether it is too long to cross. */
const SHORT_CHARS = 4096;

/** The copy of a result for those who watch the run from outside; what cannot be copied is undefined to them. */
function copyOf(value: unknown): unknown {
  if (typeof value === "number" || (typeof value === "string" && value.length <= SHORT_CHARS)) return value;
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
export function toYield(run: BodyRun, value: unknown, endsPart?: number): RunYield {
  append(run.results, value);
  return { id: run.id, value: copyOf(value), loss: run.isKept ? lossOf(value) : undefined, endsPart };
}

/** Did a run that has ended like this hand out anything before? Its start and its end are two events. */
export function noteEmitted(run: BodyRun, { step }: GuestEvent): void {
  const { metadata } = step as { metadata: { eventCount?: number } };
  if ((metadata.eventCount ?? 0) > 2) run.progress.hasEmitted = true;
}

/** Does the call ask for the body of the run's step? */
export function isBodyCall({ name }: GuestCall): boolean {
  return name === BODY;
}

/** What is done for a call of a run's is done for this. */
export function causeOf({ id }: Run, { callId }: GuestCall): string {
  return `${id}/${callId}`;
}

/** Calls a function that a run may call back. */
export function callFunction(run: Run, { name, args }: GuestCall): unknown {
  const functions = run.binding.functionsOf?.(run.input);
  const called = functions?.[name];
  if (called === undefined) throw new SafeTypeError(`Cannot call "${name}": the run has no function of that name`);
  return callFor(run.id, called, functions, [args, run.signal, run]);
}

/** Tells the host what a call has come to; what a body returns is nobody's. */
export function answerCall({ id }: Run, call: GuestCall, value: unknown): void {
  const { callId } = call;
  if (isBodyCall(call)) callNoteOf(OPS.run_answer, endText(id, callId));
  else callNote(OPS.run_answer, { id, callId, value });
}

/**
 * Tells the host why a call failed; the error of a body is kept, to be given back as it was. What comes after an abort is
 * not why the run has ended.
 */
export function answerFailure(run: Run, call: GuestCall, error: unknown): void {
  if (isBodyCall(call) && !isAborted(run.signal)) run.failure = { error };
  callNote(OPS.run_answer, { id: run.id, callId: call.callId, error: recordOf(error) });
}

function recordOf(error: unknown): ErrorRecord {
  if (typeof error !== "string") return describe(error);
  return { name: "Error", message: StringSlice(error, 0, MAX_ERROR_CHARS) };
}
