import { AsyncLocalStorage } from "node:async_hooks";
import type { MetricName } from "./conventions.ts";

export type AttributeValue = string | number | boolean | readonly string[];

/** What is known of something; a field that is undefined says nothing. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** What a span begins with. */
export interface SpanStart {
  name: string;
  /** It asks another program. Default: it is work of this one. */
  isClient?: boolean;
  attributes: Attributes;
  /** Default: the current span, else what is active in the host app. */
  parent?: TraceSpan | undefined;
}

/** A part of the work that is told to somebody. Nothing of it throws. */
export interface TraceSpan {
  set(attributes: Attributes): void;
  /** It is over. An error that it has ended with is told by its type. Once. */
  end(failure?: SpanFailure): void;
  /** Runs a function, and all that it starts, below this span. */
  run<T>(fn: () => T): T;
  /** What tells another process which span this is: `traceparent`, and `tracestate` where there is one. */
  headers(): Readonly<Record<string, string>>;
}

export interface SpanFailure {
  error: unknown;
}

/** Who hears of the work that is done for one engine. */
export interface Telemetry {
  /** May prompts, answers and what tools get and give be told? */
  readonly contents: boolean;
  start(span: SpanStart): TraceSpan;
  /** Adds to a metric: one value of a histogram, or what a gauge has changed by. */
  measure(metric: MetricName, value: number, attributes?: Attributes): void;
}

interface CurrentTrace {
  telemetry: Telemetry | undefined;
  span: TraceSpan | undefined;
}

const storage = new AsyncLocalStorage<CurrentTrace | undefined>();

/** Who hears of what is done here; undefined where nobody does. */
export function currentTelemetry(): Telemetry | undefined {
  return storage.getStore()?.telemetry;
}

/** The span that what is done here belongs to. */
export function currentSpan(): TraceSpan | undefined {
  return storage.getStore()?.span;
}

/** Runs a function, and all that it starts, for this telemetry, below this span; for nobody where both are undefined. */
export function withTelemetry<T>(telemetry: Telemetry | undefined, span: TraceSpan | undefined, fn: () => T): T {
  if (telemetry !== undefined || span !== undefined) return storage.run({ telemetry, span }, fn);
  // What another engine is told is not to hear of this one.
  return storage.getStore() === undefined ? fn() : storage.run(undefined, fn);
}
