/**
 * What of `@opentelemetry/api` is used, as far as it is used: the package is there only where a host app has it, so its
 * types cannot be part of ours. The package's own objects fit these.
 */

/** A `Tracer` of `@opentelemetry/api`. */
export interface OtelTracer {
  // oxlint-disable-next-line typescript/no-explicit-any -- the package's own types, which not everybody has
  startSpan(name: string, options?: any, context?: any): any;
}

/** A `Meter` of `@opentelemetry/api`. */
export interface OtelMeter {
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  createHistogram(name: string, options?: any): any;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  createUpDownCounter(name: string, options?: any): any;
}

type Context = { readonly context: unique symbol };

export interface OtelSpan {
  setAttributes(attributes: object): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): unknown;
  spanContext(): {
    traceId: string;
    spanId: string;
    traceFlags: number;
    traceState?: { serialize(): string };
  };
}

export interface OtelInstrument {
  record?(value: number, attributes: object): unknown;
  add?(value: number, attributes: object): unknown;
}

export interface OtelApi {
  ROOT_CONTEXT: Context;
  SpanKind: { INTERNAL: number; CLIENT: number };
  SpanStatusCode: { ERROR: number };
  context: { active(): Context; with<T>(context: Context, fn: () => T): T };
  trace: {
    getTracer(name: string, version?: string): OtelTracer;
    getSpan(context: Context): OtelSpan | undefined;
    setSpan(context: Context, span: OtelSpan): Context;
    setSpanContext(context: Context, span: object): Context;
  };
  createTraceState(text?: string): object;
  metrics: { getMeterProvider(): { getMeter(name: string, version?: string): OtelMeter } };
}

export type OtelContext = Context;
