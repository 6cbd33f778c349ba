import type { OtelApi, OtelContext, OtelSpan, OtelTracer } from "./otel-api.ts";
import { callBack } from "../calls/call-back.ts";
import { errorType } from "./error-type.ts";
import { ATTRIBUTES } from "./conventions.ts";
import {
  currentSpan,
  withTelemetry,
  type Attributes,
  type AttributeValue,
  type SpanFailure,
  type SpanStart,
  type Telemetry,
  type TraceSpan,
} from "./trace.ts";

/** Longest name of a span: scripts name their steps, tools and models. */
const MAX_NAME = 200;

/** Longest text of an attribute, and longest list. */
const MAX_TEXT = 100_000;
const MAX_ITEMS = 100;

/** Makes spans with a tracer of OpenTelemetry's. A tracer that fails costs its spans, and nothing else. */
export class OtelTracing {
  readonly #api: OtelApi;
  readonly #tracer: OtelTracer;
  readonly #contents: boolean;

  constructor(api: OtelApi, tracer: OtelTracer, contents: boolean) {
    this.#api = api;
    this.#tracer = tracer;
    this.#contents = contents;
  }

  start(telemetry: Telemetry, { name, isClient = false, attributes, parent }: SpanStart): TraceSpan {
    const api = this.#api;
    try {
      const above = this.#contextAbove(parent);
      const { CLIENT, INTERNAL } = api.SpanKind;
      const options = { kind: isClient ? CLIENT : INTERNAL, attributes: told(attributes) };
      const span = this.#tracer.startSpan(name.slice(0, MAX_NAME).toWellFormed(), options, above) as OtelSpan;
      callBack(() => span);
      return new OtelTraceSpan(api, telemetry, span, api.trace.setSpan(above, span), this.#contents);
    } catch {
      return new UntoldSpan(telemetry);
    }
  }

  /** What was active in the host app when our own span began is above it; below it is what the app has begun since. */
  #contextAbove(parent: TraceSpan | undefined): OtelContext {
    const { context, trace } = this.#api;
    if (parent instanceof OtelTraceSpan) return parent.context;
    const active = context.active();
    if (trace.getSpan(active) !== undefined) return active;
    // Without a context manager nothing is ever active.
    const current = currentSpan();
    return current instanceof OtelTraceSpan ? current.context : active;
  }
}

/** A span of OpenTelemetry's, ours or another process's. */
export class OtelTraceSpan implements TraceSpan {
  readonly context: OtelContext;
  readonly #api: OtelApi;
  readonly #telemetry: Telemetry | undefined;
  readonly #span: OtelSpan;
  readonly #contents: boolean;
  #hasEnded = false;

  constructor(api: OtelApi, telemetry: Telemetry | undefined, span: OtelSpan, context: OtelContext, contents: boolean) {
    this.#api = api;
    this.#telemetry = telemetry;
    this.#span = span;
    this.context = context;
    this.#contents = contents;
  }

  set(attributes: Attributes): void {
    callBack(() => this.#span.setAttributes(told(attributes)));
  }

  end(failure?: SpanFailure): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (failure !== undefined) {
      this.set({ [ATTRIBUTES.errorType]: errorType(failure.error) });
      // The text of an error may quote what was asked or answered.
      const message = this.#contents ? messageOf(failure.error) : undefined;
      const status = { code: this.#api.SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) };
      callBack(() => this.#span.setStatus(status));
    }
    callBack(() => this.#span.end());
  }

  run<T>(fn: () => T): T {
    return withTelemetry(this.#telemetry, this, () => this.#within(fn));
  }

  /** A manager of contexts that fails changes nothing but what is active. */
  #within<T>(fn: () => T): T {
    let outcome: (() => T) | undefined;
    try {
      this.#api.context.with(this.context, () => void (outcome = outcomeOf(fn)));
    } catch {
      // What `fn` throws is its outcome.
    }
    return (outcome ?? fn)();
  }

  headers(): Readonly<Record<string, string>> {
    try {
      const context = this.#span.spanContext();
      callBack(() => context);
      const { traceId, spanId, traceFlags, traceState } = context;
      const flags = traceFlags.toString(16).padStart(2, "0");
      const state = traceState?.serialize() ?? "";
      return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(state === "" ? {} : { tracestate: state }) };
    } catch {
      return {};
    }
  }
}

/** Stands for a span where nobody makes any. */
export class UntoldSpan implements TraceSpan {
  readonly #telemetry: Telemetry;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  set(): void {}

  end(): void {}

  run<T>(fn: () => T): T {
    return withTelemetry(this.#telemetry, this, fn);
  }

  headers(): Readonly<Record<string, string>> {
    return {};
  }
}

/** What a call has come to, to be had later. */
function outcomeOf<T>(call: () => T): () => T {
  try {
    const value = call();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** Scripts choose names, descriptions and texts: all of them have an end. */
function told(attributes: Attributes): object {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, bounded(value)]])),
  );
}

function bounded(value: AttributeValue): unknown {
  if (typeof value === "string") return value.slice(0, MAX_TEXT).toWellFormed();
  return typeof value === "object"
    ? value.slice(0, MAX_ITEMS).map((item) => item.slice(0, MAX_NAME).toWellFormed())
    : value;
}

function messageOf(error: unknown): string | undefined {
  const { message } = (typeof error === "object" && error !== null ? error : {}) as { message?: unknown };
  return typeof message === "string" ? message.slice(0, 1000).toWellFormed() : undefined;
}
