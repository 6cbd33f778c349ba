import type { CallEffect } from "../base/calls/outside.ts";
import type { Publisher } from "../events/bus.ts";
import type { ToolCall } from "../shared/chat-messages.ts";
import { GeppettoError } from "../shared/errors.ts";
import type {
  ContextChange,
  EventMeta,
  RunMetadata,
  StepEvent,
  StepInfo,
  ToolResultFields,
  StepLog,
  StepProgress,
} from "../shared/step-events.ts";

/** What a step publishes while it runs; start and the terminal event are the run's own. */
export type StepEmission =
  | { type: "partial"; delta: string }
  | { type: "reasoning"; delta: string }
  | { type: "tool-call"; toolCall: ToolCall }
  | { type: "tool-result"; toolResult: ToolResultFields }
  | { type: "context"; context: ContextChange }
  | { type: "progress"; progress: StepProgress }
  | { type: "log"; log: StepLog };

/** The types of events that a step publishes, and the field that each must have. */
const FIELDS: Readonly<Record<StepEmission["type"], string>> = {
  partial: "delta",
  reasoning: "delta",
  "tool-call": "toolCall",
  "tool-result": "toolResult",
  context: "context",
  progress: "progress",
  log: "log",
};

/**
 * What a step publishes, which may be written without types: an end of its own would take the place of the run's.
 *
 * @throws {GeppettoError} ValidationError for an event that a step does not publish, and for one without what it tells.
 */
export function checkedEmission(emission: StepEmission): StepEmission {
  const fields = (emission ?? {}) as { readonly type?: unknown; readonly [field: string]: unknown };
  const { type } = fields;
  const field =
    typeof type === "string" && Object.hasOwn(FIELDS, type) ? FIELDS[type as StepEmission["type"]] : undefined;
  if (field === undefined) {
    const message = `Cannot publish an event: a step publishes ${Object.keys(FIELDS).join(", ")}, not "${String(type)}"`;
    throw new GeppettoError("ValidationError", message);
  }
  if (typeof fields[field] === (field === "delta" ? "string" : "object") && fields[field] !== null) return emission;
  const wanted = field === "delta" ? "a text" : "an object";
  throw new GeppettoError("ValidationError", `Cannot publish a ${String(type)} event: ${field} must be ${wanted}`);
}

/** What a running step may use. */
export interface StepContext {
  readonly runId: string;
  /** Aborted when the run is cancelled; pass it to everything that waits. */
  readonly signal: AbortSignal;
  /** Goes into the events and the results' `metadata`; a step may add to it. */
  readonly metadata: RunMetadata;
  /** The events' `meta`; a step may set it before its first emission. */
  readonly meta: EventMeta;
  /** Publishes an event. Await it: it resolves when whoever listens has room for more. */
  publish(emission: StepEmission): Promise<void>;
  /**
   * Counts what the step keeps for the run, in bytes, against the limits of the engine that runs it; negative gives it
   * back. The run's results are counted by themselves.
   *
   * @throws {GeppettoError} LimitError when the engine's runs may not keep that much.
   */
  reserve(bytes: number): void;
  /** Calls a function that the one who started the run gave with it; rejects with what it throws, or the abort. */
  callGuest(name: string, args: unknown): Promise<unknown>;
}

/** What a step does, without the runs around it: what {@link StepRun} executes and engines give to their guests. */
export interface StepSource<I = unknown, O = unknown> {
  readonly info: StepInfo;
  /** What becomes of a run in an execution that lasts which was under way when its process ended; default "once". */
  readonly effect?: CallEffect;
  run(input: I, context: StepContext): AsyncIterable<O>;
  /**
   * The same as {@link run}, for a step that is told of its results and need not be asked: calls `take` with one after the
   * other, and waits where that gives a promise. Resolves when there are no more. Where it is there it is used, but where
   * time is virtual.
   */
  drive?(context: StepContext, take: (value: O) => Promise<void> | undefined): Promise<void>;
  /** What is known of the events' `meta` before the first of them. Must not fail. */
  metaFor?(input: unknown): Partial<EventMeta>;
  /** Hears every event of every run; the run waits for the promise as for any subscriber. Must not fail. */
  onEvent?(event: StepEvent): Promise<void> | undefined;
  /**
   * What makes two runs the same, for whoever keeps runs: 64 hex digits over all that results depend on. `key`, where it
   * is given, stands for the input. Rejects for an input that the step would refuse. Default: the step's name and input.
   */
  cacheKey?(input: unknown, key?: string): Promise<string>;
}

/** One result of a step, or why there are no more. */
export type Result<O = unknown> = { ok: true; value: O } | { ok: false; error: Error };

/**
 * The results of one run of a step: a list that may still grow, an error that ends it, a way to cancel, and metadata.
 * Nothing rejects: an error is the last result.
 */
export interface StepResult<O = unknown> {
  /** All results, when the run has ended. */
  return(): Promise<Result<O>[]>;
  /** The results as they come, from the first on, for as many readers as ask. */
  getChannel(): AsyncIterable<Result<O>>;
  /** Cancels the run. False when it has ended already. The last result is an AbortError then. */
  cancel(): boolean;
  /** The metadata so far; whole when the run has ended. */
  getMetadata(): RunMetadata;
}

/** What a step is started with. */
export interface StartContext {
  /** Cancels the run. */
  signal?: AbortSignal;
  /** Default a UUID. */
  runId?: string;
}

/** A computation that takes one input and gives zero or more results. {@link defineStep} makes one. */
export interface Step<I = unknown, O = unknown> {
  /** Starts a run. Never throws for what is wrong with the input: that is an error of the run. */
  start(ctx: StartContext, input: I): StepResult<O>;
  /**
   * Publishes the events of the runs that are started from now on to this topic too. Returns what ends that, or nothing. A topic
   * that belongs to one run, `step.{runId}`, is forgotten when that run has ended. What a publisher fails to take is
   * lost to its topic, not to the run.
   */
  addPublishedTopic(publisher: Pick<Publisher, "publish">, topic: string): (() => void) | void;
}
