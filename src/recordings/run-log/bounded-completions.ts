import type { StepEvent } from "../../shared/step-events.ts";
import type { RunRecord } from "./run-reader.ts";

/** Each partial event has the text so far: of a long answer in small pieces that is far too much for a document. */
const MAX_CHARS = 16_000_000;

/** A run for a document: where the `completion` of its partial events is too much it is left out; `delta` has the text. */
export function withBoundedCompletions(run: RunRecord): RunRecord {
  let chars = 0;
  for (const event of run.events) if (event.type === "partial") chars += event.completion.length;
  return chars <= MAX_CHARS ? run : { ...run, events: run.events.map(withoutCompletion) };
}

function withoutCompletion(event: StepEvent): StepEvent {
  if (event.type !== "partial") return event;
  const { completion: _, ...rest } = event;
  return rest as StepEvent;
}
