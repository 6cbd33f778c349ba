import type { RuntimeEngineOptions } from "../../index.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Where `@opentelemetry/api` keeps what was registered with it, whichever copy of it was used. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");
const CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
/** How long what is under way to a collector is waited for at the end, in milliseconds. */
const FLUSH_MS = 2000;

interface Provider {
  getDelegate?(): Provider;
  forceFlush?(): Promise<unknown>;
}

function registered(): { trace?: Provider; metrics?: Provider } {
  return (globalThis as Record<symbol, unknown>)[REGISTERED] ?? {};
}

/** Where a module that `node --import` loads has registered OpenTelemetry, scripts are traced. */
export async function telemetryOption(
  env: Env,
  warn: (text: string) => void,
): Promise<Pick<RuntimeEngineOptions, "telemetry">> {
  const { trace, metrics } = registered();
  if (trace === undefined && metrics === undefined) return {};
  try {
    await import("@opentelemetry/api");
  } catch {
    warn("Continuing without telemetry: @opentelemetry/api is not installed beside geppetto-js");
    return {};
  }
  const contents = /^(?:true|1|span_only|span_and_event)$/i.test(env[CAPTURE] ?? "");
  return { telemetry: { tracer: trace !== undefined, meter: metrics !== undefined, contents } };
}

/** Has what was told sent to its collector, in bounded time. */
export async function flushTelemetry(): Promise<void> {
  const { trace, metrics } = registered();
  const flushing = [trace, metrics].map(async (provider) => (provider?.getDelegate?.() ?? provider)?.forceFlush?.());
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, FLUSH_MS);
  await Promise.race([Promise.allSettled(flushing), late]);
  clearTimeout(timer);
}
