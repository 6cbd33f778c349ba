import type { StepEvent } from "../../shared/step-events.ts";
import { parseRecording, type Recording } from "../cassette/recording.ts";
import { EventUnpacker, type PackedEvent } from "../event-packer.ts";
import { jsonDepth } from "../json-depth.ts";
import { fromTagged } from "../tagged-json.ts";
import type { LoggedOutcome } from "./logged-run.ts";
import type { ReadCall } from "./model-calls.ts";
import type { OutputStream } from "./output-buffer.ts";
import { isHeld } from "../../base/process-holder.ts";
import type { CallRow, EventRow, OutputRow, RunRow } from "./run-log-schema.ts";
import { countUsage, type RunUsage } from "./run-usage.ts";
import { isObject } from "../../shared/is-object.ts";

/** `killed`: its process has ended, and said nothing of how. */
export type RunState = "running" | "completed" | "failed" | "killed";

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

/** What has become of a run. */
export function stateOf(row: Pick<RunRow, "state" | "ok" | "ended_at" | "holder" | "seen_at">): RunState {
  const { state, ok, ended_at: endedAt, holder, seen_at: seenAt } = row;
  if (endedAt === null) return isHeld(holder ?? null, seenAt ?? null) ? "running" : "killed";
  if (state === "completed" || state === "failed") return state;
  return ok === 1 ? "completed" : "failed";
}

/** What a run that has ended has used; undefined where its row does not say. */
export function readUsage(row: RunRow): RunUsage | undefined {
  const { calls, input_tokens: inputTokens, output_tokens: outputTokens, cost } = row;
  if (calls == null || inputTokens == null || outputTokens == null) return undefined;
  return { calls, inputTokens, outputTokens, ...(cost == null ? {} : { cost }) };
}

/** The sum over what last events of steps say. */
export function usageIn(rows: readonly EventRow[]): RunUsage {
  const sum: RunUsage = { calls: 0, inputTokens: 0, outputTokens: 0 };
  for (const { event } of rows) {
    const { type, step } = (readObject(event) ?? {}) as Partial<StepEvent>;
    if (type === "final" && typeof step?.metadata === "object") countUsage(sum, { type, step });
  }
  return sum;
}

/** What was printed; rows that follow each other on one stream were one piece. */
export function readOutput(rows: readonly OutputRow[]): { stream: OutputStream; text: string }[] {
  const pieces: { stream: OutputStream; text: string }[] = [];
  for (const { stream: name, text } of rows) {
    const stream = name === "stderr" ? "stderr" : "stdout";
    const last = pieces.at(-1);
    if (last?.stream === stream) last.text += text;
    else pieces.push({ stream, text });
  }
  return pieces;
}

/** The requests to models that can be read, and how many cannot. */
export function readCalls(rows: readonly CallRow[]): { calls: ReadCall[]; damaged: number } {
  const calls = rows.flatMap((row): ReadCall[] => {
    const request = readPlain(row.request);
    const answer = row.answer === null ? undefined : readPlain(row.answer);
    try {
      const recording = parseRecording({ id: "", recordedAt: "", end: "interrupted", chunks: [], ...answer, request });
      const { step_id: stepId, started_at: startedAt, duration_ms: durationMs } = row;
      return [
        {
          stepId,
          startedAt,
          ...(durationMs === null ? {} : { durationMs }),
          request: recording.request,
          ...(answer === undefined ? {} : { recording }),
        },
      ];
    } catch {
      return [];
    }
  });
  return { calls, damaged: rows.length - calls.length };
}

/** The answers of a run that can be read, and how many cannot. */
export function readRecordings(text: string): { recordings: Recording[]; damaged: number } {
  let values: unknown;
  try {
    values = parseRow(text);
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
  const reader = new EventReader();
  const events = rows.flatMap((row): StepEvent[] => {
    const event = reader.read(row);
    return event === undefined ? [] : [event];
  });
  return { events, damaged: rows.length - events.length };
}

/** Reads the events of one run; to be given them in order. */
export class EventReader {
  readonly #unpacker = new EventUnpacker();

  /** The event; undefined for one that cannot be read. */
  read({ step_id: stepId, event }: EventRow): StepEvent | undefined {
    const packed = readObject(event);
    if (packed === undefined) return undefined;
    const whole = this.#unpacker.unpack(stepId, packed as unknown as PackedEvent);
    return isEvent(whole) ? whole : undefined;
  }
}

function readPlain(text: string): object | undefined {
  try {
    const value = parseRow(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The first event of a step says what it is; what follows without it means nothing. */
function isEvent({ type, step, meta }: Partial<Record<keyof StepEvent, unknown>>): boolean {
  const { stepId, type: stepType, metadata } = (step ?? {}) as Record<string, unknown>;
  const isStep = isText(stepId) && isText(stepType) && typeof metadata === "object" && metadata !== null;
  return isText(type) && isStep && isText((meta as { engine?: unknown } | null | undefined)?.engine);
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = fromTagged(parseRow(text));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Deeper than anything that was ever written there: whatever is done with it would run out of stack. */
const MAX_DEPTH = 500;

function parseRow(text: string): unknown {
  if (jsonDepth(text) > MAX_DEPTH) throw new Error(`nested more than ${MAX_DEPTH} deep`);
  return JSON.parse(text);
}
