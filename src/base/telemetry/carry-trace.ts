import { TRACE_HEADERS, type MessageMetadata } from "./trace-headers.ts";
import { loadApi } from "./open-telemetry.ts";
import { OtelTraceSpan } from "./otel-tracing.ts";
import type { OtelApi, OtelSpan } from "./otel-api.ts";
import { currentSpan } from "./trace.ts";

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;
/** Longest list of other vendors' positions that is carried on. */
const MAX_STATE = 512;

/**
 * What tells another process that its work belongs to what is done here: `traceparent`, and `tracestate` where there is
 * one. For the metadata of a message, or the headers of a request. Empty where nothing is traced.
 *
 * @example
 * await bus.publish("jobs", job, { metadata: traceHeaders() });
 */
export function traceHeaders(): Readonly<Record<string, string>> {
  return currentSpan()?.headers() ?? {};
}

/** Where OpenTelemetry's interface keeps what an app has registered. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

/** The same; where nothing of ours is under way, of the span that the app itself has open. */
export async function traceHeadersOfApp(): Promise<Readonly<Record<string, string>>> {
  const own = traceHeaders();
  if (own["traceparent"] !== undefined || !(REGISTERED in globalThis)) return own;
  // It may be another one's: what is registered says nothing of what is installed beside us.
  const api = await loadApi().catch(() => undefined);
  const context = api?.context.active();
  const span = context && api!.trace.getSpan(context);
  return span === undefined ? own : new OtelTraceSpan(api!, undefined, span, context!, false).headers();
}

/**
 * Runs a function below the span that a message's metadata, or a request's headers, name: scripts that it runs, in engines
 * with `telemetry`, belong to the trace of whoever sent it. Where they name none, it is just called.
 *
 * @throws {GeppettoError} ConfigError ERR_MISSING_PACKAGE where `@opentelemetry/api` is not installed; what `fn` throws.
 * @example
 * for await (const { payload, metadata, ack } of bus.subscribe("jobs")) {
 *   await continueTrace(metadata, () => pool.run(payload.script));
 *   ack();
 * }
 */
export async function continueTrace<T>(headers: MessageMetadata, fn: () => T | Promise<T>): Promise<T> {
  const [parent, state] = TRACE_HEADERS.map((name) => headers[name]);
  const [, version, traceId, spanId, flags] = TRACEPARENT.exec(typeof parent === "string" ? parent : "") ?? [];
  if (traceId === undefined || version === "ff" || /^0+$/.test(traceId) || /^0+$/.test(spanId!)) return fn();
  const api = await loadApi();
  const remote = {
    traceId,
    spanId: spanId!,
    traceFlags: Number.parseInt(flags!, 16),
    isRemote: true,
    ...(typeof state === "string" && state.length <= MAX_STATE ? { traceState: api.createTraceState(state) } : {}),
  };
  return below(api, remote, fn);
}

function below<T>(api: OtelApi, remote: object, fn: () => T): T {
  const context = api.trace.setSpanContext(api.context.active(), remote);
  // Nothing is told of a span that is another process's.
  const span = { spanContext: () => remote } as unknown as OtelSpan;
  return new OtelTraceSpan(api, undefined, span, context, false).run(fn);
}
