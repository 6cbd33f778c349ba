import type { StoredRecord, Waiting } from "../journal/executions/journal.ts";
import { printedText } from "../journal/executions/printed-text.ts";
import { areWaits, damagedRecord } from "../journal/executions/tables/execution-rows.ts";
import { readOutcome } from "../engine/execution/ended-execution.ts";
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

/**
 * What a record of an execution says; undefined for records that are of no interest to others.
 *
 * @throws {GeppettoError} ERR_JOURNAL for one that nobody can have kept.
 */
export function toFollowed(id: string, record: StoredRecord): FollowedItem | undefined {
  const { seq, kind, text } = record;
  switch (kind) {
    case "attempt": {
      const { attempt } = parse(id, record);
      if (typeof attempt !== "number") throw damagedRecord(id, seq);
      return { seq, type: "attempt", attempt };
    }
    case "output": {
      const printed = printedText(record);
      return printed && { seq, type: "output", ...printed };
    }
    case "event": {
      const event = parse(id, record) as unknown as FollowedEvent & { again?: true };
      if (typeof event.step?.stepId !== "string" || typeof event.seq !== "number") throw damagedRecord(id, seq);
      if (event.again === true) return { seq, type: "again", stepId: event.step.stepId, from: event.seq };
      if (typeof event.type !== "string") throw damagedRecord(id, seq);
      return { seq, type: "event", event };
    }
    case "suspend": {
      const waitsFor: unknown = parse(id, record);
      if (!areWaits(waitsFor)) throw damagedRecord(id, seq);
      return { seq, type: "suspended", waitsFor };
    }
    case "end":
      return { seq, type: "end", outcome: readOutcome(id, text) };
    default:
      return undefined;
  }
}

function parse(id: string, { seq, text }: StoredRecord): Readonly<Record<string, unknown>> {
  try {
    const found = JSON.parse(text) as unknown;
    if (typeof found === "object" && found !== null) return found as Readonly<Record<string, unknown>>;
  } catch {
    // It is as damaged as one that says nothing.
  }
  throw damagedRecord(id, seq);
}
