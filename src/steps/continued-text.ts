import type { StepEvent } from "../shared/step-events.ts";

/** How the completion of a partial event follows from the one before: by the delta, or by it on a new line. */
export type Continuation = "text" | "list";

/** Texts up to this length are compared as fast as they are looked up. */
const LONG_TEXT = 4096;

const continuations = new WeakMap<StepEvent, Continuation>();

/** Notes how a long completion goes on, for those who would have to compare it with the one before. */
export function noteContinuation(event: StepEvent & { type: "partial" }, continuation: Continuation): void {
  if (event.completion.length > LONG_TEXT) continuations.set(event, continuation);
}

/** What the run noted; undefined for short texts, and for events that did not come from a run of this process. */
export function continuationOf(event: StepEvent): Continuation | undefined {
  return continuations.get(event);
}
