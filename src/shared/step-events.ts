import type { ErrorRecord } from "./frames.ts";
import type { ToolCall } from "./chat-messages.ts";

export interface EventMeta {
  /** Id of the message that the run makes, or of the run where it makes none. */
  messageId: string;
  /** Id of the message that it answers; "" where there is none. */
  parentId: string;
  /** The model that answers; "" where there is none. */
  engine: string;
}

export interface RunMetadata {
  stepId: string;
  type: string;
  inputType: string;
  outputType: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  durationMs?: number;
  eventCount?: number;
  usage?: object;
  engine?: string;
  stopReason?: string;
  [key: string]: unknown;
}

export interface EventStep {
  /** The run's id. */
  stepId: string;
  type: string;
  inputType: string;
  outputType: string;
  metadata: RunMetadata;
  /** The run inside which this one was started, where there is one. */
  parentRunId?: string;
}

/** What came of a call of a tool. */
export interface ToolResultFields {
  id: string;
  result: unknown;
  /** The tool failed, or was not called. */
  isError?: boolean;
  code?: string;
  /** What the tool was called with, where a hook has changed that. */
  input?: Record<string, unknown>;
  /** How often it was called, where that is more than once. */
  attempts?: number;
}

/** How the messages of a chat were made to fit; counts of tokens are estimates. */
export interface ContextChange {
  action: "truncate" | "summarize" | "function";
  /** What may be sent at most. */
  maxTokens: number;
  tokensBefore: number;
  tokensAfter: number;
  messagesBefore: number;
  messagesAfter: number;
  /** What stands for the messages that are not sent any more. */
  summary?: string;
}

/** How far work outside has come, where a server tells it. */
export interface StepProgress {
  value: number;
  /** What the value will be in the end, where that is known. */
  total?: number;
  message?: string;
}

/** A line of a log that a server keeps of a call. */
export interface StepLog {
  level: string;
  /** Who says it. */
  logger?: string;
  data: unknown;
}

interface EventFields {
  meta: EventMeta;
  step: EventStep;
  /** Counts the events of a run from 0. */
  seq: number;
  /** Milliseconds since the epoch. */
  time: number;
}

/**
 * The events of one run: one start, then partials, reasoning and tool events, then exactly one of final, error and
 * interrupt. Shapes as in the seeds' "Event Object Structure". Reasoning is what a model thinks: no part of any text.
 * A context event says that a model is asked with fewer messages, or other ones, than the chat has. Progress and log
 * events are what an MCP server tells of a call.
 */
export type StepEvent = EventFields &
  (
    | { type: "start" }
    /** With `result` it completes a result of a list; without, it is a piece of the text that is under way. */
    | { type: "partial"; delta: string; completion: string; result?: unknown }
    | { type: "reasoning"; delta: string }
    | { type: "tool-call"; toolCall: ToolCall }
    | { type: "tool-result"; toolResult: ToolResultFields }
    | { type: "context"; context: ContextChange }
    | { type: "progress"; progress: StepProgress }
    | { type: "log"; log: StepLog }
    | { type: "final"; text: string; result: unknown; results: unknown[] }
    | { type: "error"; error: string; code: string }
    | { type: "interrupt"; text: string }
  );

export type StepEventType = StepEvent["type"];

/** Is an event of this type the last of its run? */
export function isTerminal(type: string): type is "final" | "error" | "interrupt" {
  return type === "final" || type === "error" || type === "interrupt";
}

/** How a step's partials add up: one text in pieces, a list of results, or nothing before the one result. */
export type StepKind = "text" | "list" | "single";

/** What a step says of itself. */
export interface StepInfo {
  /** For example "chat" or "double"; the event field `step.type`. */
  type: string;
  inputType: string;
  outputType: string;
  kind: StepKind;
}

/**
 * An event as it crosses to the guest: what the guest knows already (the completion so far, meta and step after the
 * first event) is left out, and an error brings its record.
 */
export interface EventFrame {
  type: StepEventType;
  seq: number;
  time: number;
  meta?: EventMeta;
  step?: EventStep;
  delta?: string;
  /** Of a partial: it completes no result. */
  isPiece?: true;
  result?: unknown;
  results?: unknown[];
  text?: string;
  toolCall?: ToolCall;
  toolResult?: ToolResultFields;
  context?: ContextChange;
  progress?: StepProgress;
  log?: StepLog;
  error?: ErrorRecord;
  /** Of an event that the guest is to take by itself: it tells at once that it has. Of others it tells some together. */
  wantsAck?: true;
}

/**
 * The event as it crosses; `error` is the record of the error that an error event reports. Results are left out where the
 * guest has them.
 */
export function toEventFrame(event: StepEvent, error: ErrorRecord | undefined, hasResults = false): EventFrame {
  const { type, seq, time, meta, step } = event;
  const frame: EventFrame = { type, seq, time };
  if (event.type === "reasoning") {
    frame.delta = event.delta;
    return frame;
  }
  if (event.type === "partial") {
    frame.delta = event.delta;
    if (!("result" in event)) frame.isPiece = true;
    else if (!hasResults) frame.result = event.result;
    return frame;
  }
  frame.meta = meta;
  frame.step = step;
  switch (event.type) {
    case "final":
      frame.text = event.text;
      if (!hasResults) frame.results = event.results;
      break;
    case "error":
      frame.error = error ?? { name: "StepError", message: event.error, code: event.code };
      break;
    case "tool-call":
      frame.toolCall = event.toolCall;
      break;
    case "tool-result":
      frame.toolResult = event.toolResult;
      break;
    case "context":
      frame.context = event.context;
      break;
    case "progress":
      frame.progress = event.progress;
      break;
    case "log":
      frame.log = event.log;
      break;
  }
  return frame;
}

/**
 * The text of a result where an event wants one: strings as they are, of messages their text, everything else as JSON,
 * vectors as arrays.
 */
export function resultText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (isTextMessage(value)) return value.text;
  if (Array.isArray(value) && value.length > 0 && value.every(isTextMessage)) {
    return value.map(({ text }) => text).join("\n");
  }
  return JSON.stringify(value, plainValue) ?? "";
}

function isTextMessage(value: unknown): value is { text: string } {
  const { type, text } = (value ?? {}) as { type?: unknown; text?: unknown };
  return type === "chat-message" && typeof text === "string";
}

/** For `JSON.stringify`: what JSON lacks a form for, or has a poor one. */
export function plainValue(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;
}

/** The completion after one more delta; `goesOn` for the first one, and for one that goes on with the text of a piece. */
export function appendDelta(kind: StepKind, completion: string, delta: string, goesOn: boolean): string {
  return kind === "list" && !goesOn ? `${completion}\n${delta}` : completion + delta;
}
