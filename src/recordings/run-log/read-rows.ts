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
  return isOutcome(value) ? { outcome: value } : { isDamaged: true };
}

function isOutcome(value: object | undefined): value is LoggedOutcome {
  if (value === undefined) return false;
  const { end, text, exitCode, error } = value as Record<string, unknown>;
  const { name, message, code } = (error ?? {}) as Record<string, unknown>;
  const isError = error === undefined || (isText(name) && isText(message) && isMaybe(code, "string"));
  return isError && isMaybe(end, "string") && isMaybe(text, "string") && isMaybe(exitCode, "number");
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isMaybe(value: unknown, type: "string" | "number"): boolean {
  return value === undefined || typeof value === type;
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
    return isEvent(whole) ? [whole] : [];
  });
  return { events, damaged: rows.length - events.length };
}

/** The first event of a step says what it is; what follows without it means nothing. */
function isEvent({ type, step, meta }: Partial<Record<keyof StepEvent, unknown>>): boolean {
  const { stepId, type: stepType, metadata } = (step ?? {}) as Record<string, unknown>;
  const isStep = isText(stepId) && isText(stepType) && typeof metadata === "object" && metadata !== null;
  return isText(type) && isStep && isText((meta as { engine?: unknown } | null | undefined)?.engine);
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
