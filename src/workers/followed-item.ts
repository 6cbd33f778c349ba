import type { StoredRecord, Waiting } from "../journal/executions/journal.ts";
import { printedText } from "../journal/executions/printed-text.ts";
import type { ScriptOutcome } from "../engine/script/script-run.ts";
import type { StepEvent } from "../shared/step-events.ts";

/** An event as it is kept: a piece of text comes without the text so far. */
export type FollowedEvent = StepEvent extends infer Event
  ? Event extends { completion: string }
    ? Omit<Event, "completion">
    : Event
  : never;

/** What those who follow an execution are told. `seq` grows; whoever comes back asks for what is after the last that it had. */
export type FollowedItem = { seq: number } & (
  | { type: "attempt"; attempt: number }
  | { type: "output"; stream: "stdout" | "stderr"; text: string }
  | { type: "event"; event: FollowedEvent }
  /** The answer that a run told of has broken off with its worker: events of the run from `from` on come again. */
  | { type: "again"; stepId: string; from: number }
  | { type: "suspended"; waitsFor: readonly Waiting[] }
  | { type: "end"; outcome: ScriptOutcome }
);

/** undefined for records that are of no interest to others. */
export function toFollowed(record: StoredRecord): FollowedItem | undefined {
  const { seq, kind, text } = record;
  switch (kind) {
    case "attempt":
      return { seq, type: "attempt", attempt: (JSON.parse(text) as { attempt: number }).attempt };
    case "output": {
      const printed = printedText(record);
      return printed && { seq, type: "output", ...printed };
    }
    case "event": {
      const event = JSON.parse(text) as FollowedEvent & { again?: true };
      if (event.again === true) return { seq, type: "again", stepId: event.step.stepId, from: event.seq };
      return { seq, type: "event", event };
    }
    case "suspend":
      return { seq, type: "suspended", waitsFor: JSON.parse(text) as Waiting[] };
    case "end":
      return { seq, type: "end", outcome: JSON.parse(text) as ScriptOutcome };
    default:
      return undefined;
  }
}
