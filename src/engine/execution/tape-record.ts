import type { CallEffect } from "../../base/calls/outside.ts";
import type { ExecutionRecord } from "../../journal/executions/journal.ts";
import type { RealmFailure } from "../../sandbox/realm.ts";
import { encodeValue } from "../../shared/codec.ts";
import { decodeValue } from "../../shared/decode.ts";
import type { ErrorRecord, Frame } from "../../shared/frames.ts";

/**
 * The kinds of records of an execution, in the order in which things happened.
 * - begin: what it began with · attempt: an engine took it up
 * - deliver: an entry went into the guest · run: the script's source did · turn: the first that was not over is
 * - call: the guest asked and was answered · wait: it asked and waited, until the next `reply`
 * - note: it told · output: it printed
 * - intent: something outside is about to be asked that has an effect · answer: what came of it
 * - cancel: its host cancelled all runs
 * - event: a run told this, for those who follow the execution; no attempt needs it
 * - alarm: a time of the host's was up · time: the host's clock, before what follows
 * - suspend: it waits for long · checkpoint: its state; what stood before is forgotten · end: how it ended
 */
export const RECORDS = {
  begin: "begin",
  attempt: "attempt",
  deliver: "deliver",
  run: "run",
  turn: "turn",
  call: "call",
  wait: "wait",
  reply: "reply",
  note: "note",
  output: "output",
  intent: "intent",
  answer: "answer",
  cancel: "cancel",
  event: "event",
  alarm: "alarm",
  time: "time",
  suspend: "suspend",
  checkpoint: "checkpoint",
  end: "end",
} as const;

/** What came of something outside that was asked for. */
export type OutsidePart =
  /** The answer, and there is no more. */
  | { type: "value"; value: unknown }
  | { type: "error"; error: ErrorRecord }
  /** One of several values, or the end of them. */
  | { type: "item"; value: unknown }
  | { type: "end" }
  /** It waits for an answer of somebody's, under this number. */
  | { type: "asked"; number: number; dueAt?: number; ms?: number }
  /** It is to be asked again, whatever became of the first time. */
  | { type: "again" };

export function frameRecord(kind: string, { text, buffers }: Frame): ExecutionRecord {
  if (buffers === undefined || buffers.length === 0) return { kind, text };
  return { kind, text, buffers: buffers.map((buffer) => new Uint8Array(buffer)) };
}

export function toFrame({ text, buffers }: ExecutionRecord): Frame {
  return buffers === undefined || buffers.length === 0 ? { text } : { text, buffers: buffers.map(toBuffer) };
}

/** A copy: what goes into a realm may be moved there. */
function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

/** The end of a turn, and the error that nobody caught in it; undefined where its guest was lost. */
export function turnRecord(failure: RealmFailure | undefined): ExecutionRecord | undefined {
  if (failure === undefined) return { kind: RECORDS.turn, text: "" };
  const isThrown = failure.kind === "thrown" || failure.kind === "load";
  return isThrown ? { kind: RECORDS.turn, text: JSON.stringify(failure) } : undefined;
}

export function readTurn({ text }: ExecutionRecord): RealmFailure | undefined {
  return text === "" ? undefined : (JSON.parse(text) as RealmFailure);
}

export function callRecord(text: string, answer: string): ExecutionRecord {
  return { kind: RECORDS.call, text: `${text.length}:${text}${answer}` };
}

export function readCall({ text }: ExecutionRecord): { text: string; answer: string } {
  const colon = text.indexOf(":");
  const end = colon + 1 + Number(text.slice(0, colon));
  return { text: text.slice(colon + 1, end), answer: text.slice(end) };
}

/** An intent: under which key what is asked. */
export interface Intent {
  key: string;
  name: string;
  effect: CallEffect;
  /** What is asked is known by after a checkpoint. */
  request?: string | undefined;
}

export function intentRecord({ key, name, effect, request }: Intent): ExecutionRecord {
  const parts = request === undefined ? [key, name, effect] : [key, name, effect, request];
  return { kind: RECORDS.intent, text: JSON.stringify(parts) };
}

export function readIntent({ text }: ExecutionRecord): Intent {
  const [key, name, effect, request] = JSON.parse(text) as [string, string, CallEffect, string?];
  return { key, name, effect, request };
}

/** @throws {GeppettoError} for a value that cannot cross. */
export function partRecord(key: string, part: OutsidePart): ExecutionRecord {
  const buffers: ArrayBuffer[] = [];
  const text = encodeValue([key, part], { buffers, exotic: "omit" });
  return frameRecord(RECORDS.answer, { text, buffers });
}

export function readPart(record: ExecutionRecord): { key: string; part: OutsidePart } {
  const { text, buffers } = toFrame(record);
  const [key, part] = decodeValue(text, buffers) as [string, OutsidePart];
  return { key, part };
}

const ENTRY_KEY = /^\[\d+,"(\w+)"(?:,(\d+|"[^"]*"))?/;

/** What an entry is known by, whatever else is in it: its kind, and the timer, call or run that it is for. */
export function entryKey(text: string): string {
  const found = ENTRY_KEY.exec(text);
  return found === null ? text : `${found[1]}:${found[2] ?? ""}`;
}
