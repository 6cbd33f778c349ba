import type { StepEvent } from "../../shared/step-events.ts";
import { parseRecording, type Recording } from "../cassette/recording.ts";
import { EventUnpacker, type PackedEvent } from "../event-packer.ts";
import { fromTagged } from "../tagged-json.ts";
import type { LoggedOutcome } from "./logged-run.ts";
import type { EventRow, RunRow } from "./run-log-schema.ts";

/** What a row of a run says; what cannot be read of it is missing, and hides nothing else. */
export interface ReadRow {
  outcome?: LoggedOutcome;
  /** Could something not be read? */
  isDamaged?: true;
}

/** The outcome in a row. */
export function readOutcome({ outcome }: Pick<RunRow, "outcome">): ReadRow {
  if (outcome === null) return {};
  const value = readObject(outcome);
  return value === undefined ? { isDamaged: true } : { outcome: value as unknown as LoggedOutcome };
}

/** How a run was started; undefined where that cannot be read. */
export function readDetails({ details }: Pick<RunRow, "details">): Record<string, unknown> | undefined {
  return readObject(details);
}

/** The answers of a run that can be read, and how many cannot. */
export function readRecordings(text: string): { recordings: Recording[]; damaged: number } {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch {
    values = undefined;
  }
  if (!Array.isArray(values)) return { recordings: [], damaged: 1 };
  const recordings = values.flatMap((value): Recording[] => {
    try {
      return [parseRecording(value)];
    } catch {
      return [];
    }
  });
  return { recordings, damaged: values.length - recordings.length };
}

/** The events that can be read, and how many cannot. */
export function readEvents(rows: readonly EventRow[]): { events: StepEvent[]; damaged: number } {
  const unpacker = new EventUnpacker();
  const events = rows.flatMap(({ step_id: stepId, event }): StepEvent[] => {
    const packed = readObject(event);
    if (packed === undefined) return [];
    const whole = unpacker.unpack(stepId, packed as unknown as PackedEvent);
    // The first event of a step says what it is; what follows without it means nothing.
    return (whole.step as unknown) === undefined || (whole.meta as unknown) === undefined ? [] : [whole];
  });
  return { events, damaged: rows.length - events.length };
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = fromTagged(JSON.parse(text));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
