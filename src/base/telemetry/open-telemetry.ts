import { GeppettoError } from "../../shared/errors.ts";
import { callBack } from "../calls/call-back.ts";
import { BoundedValues } from "./bounded-values.ts";
import type { MetricName } from "./conventions.ts";
import { KeptMetrics, type Metrics } from "./metrics.ts";
import type { OtelApi, OtelMeter, OtelTracer } from "./otel-api.ts";
import { otelSink, SCOPE, type MetricSink } from "./otel-sink.ts";
import { OtelTracing, UntoldSpan } from "./otel-tracing.ts";
import type { Attributes, SpanStart, Telemetry, TraceSpan } from "./trace.ts";
import { isObject } from "../../shared/is-object.ts";
import { refuseWrong, type FieldsOf } from "../../shared/wrong-option.ts";

/** Who hears of what engines do. */
export interface TelemetryOptions {
  /** Gets the spans: a `Tracer` of `@opentelemetry/api`; true for the one that is registered globally. */
  tracer?: OtelTracer | boolean;
  /** Gets the metrics: a `Meter` of `@opentelemetry/api`; true for the global one. */
  meter?: OtelMeter | boolean;
  /** Gets the metrics, for those without a collector: see `createMetrics`. */
  metrics?: Metrics;
  /** May spans hold prompts, answers, what tools get and give, and the texts of errors? Default false. */
  contents?: boolean;
}

const PACKAGE = "@opentelemetry/api";
const WHAT = "set telemetry up";
const FIELDS: FieldsOf<TelemetryOptions> = { tracer: true, meter: true, metrics: true, contents: true };

/**
 * Checks the option before anything is made of it.
 *
 * @throws {GeppettoError} ConfigError.
 */
export function checkTelemetry(given: unknown): void {
  if (given === undefined || typeof given === "boolean") return;
  if (!isObject(given)) {
    throw wrong(`telemetry must be true or an object with ${Object.keys(FIELDS).join(", ")}`);
  }
  refuseWrong(WHAT, given, FIELDS);
  const { tracer, meter, metrics, contents } = given;
  if (!isOptional(tracer, "startSpan")) throw wrong("telemetry.tracer must be true or a Tracer of OpenTelemetry");
  if (!isOptional(meter, "createHistogram")) throw wrong("telemetry.meter must be true or a Meter of OpenTelemetry");
  if (metrics !== undefined && !(metrics instanceof KeptMetrics)) {
    throw wrong("telemetry.metrics must be what createMetrics() gives");
  }
  if (contents !== undefined && typeof contents !== "boolean") throw wrong("telemetry.contents must be true or false");
}

function isOptional(value: unknown, method: string): boolean {
  if (value === undefined || typeof value === "boolean") return true;
  return typeof (value as Record<string, unknown> | null)?.[method] === "function";
}

function wrong(problem: string): GeppettoError {
  return new GeppettoError("ConfigError", `Cannot ${WHAT}: ${problem}`);
}

/** One for each set of options: engines of a pool share theirs. */
const opened = new WeakMap<object, Promise<Telemetry>>();
const GLOBAL: TelemetryOptions = {};

/**
 * Who hears of the work of an engine with this option; undefined where nobody does, and nothing is loaded then.
 *
 * @throws {GeppettoError} ConfigError ERR_MISSING_PACKAGE where OpenTelemetry is wanted and its package is not there.
 */
export function openTelemetry(given: boolean | TelemetryOptions | undefined): Promise<Telemetry> | undefined {
  if (given === undefined || given === false) return undefined;
  const options = given === true ? GLOBAL : given;
  const known = opened.get(options);
  if (known !== undefined) return known;
  const opening = open(options);
  opened.set(options, opening);
  // It may be installed, or mended, before the next engine starts.
  opening.catch(() => opened.delete(options));
  return opening;
}

async function open({ tracer, meter, metrics, contents = false }: TelemetryOptions): Promise<Telemetry> {
  const isGlobal = tracer === undefined && meter === undefined && metrics === undefined;
  const wantsTracer = tracer ?? isGlobal;
  const wantsMeter = meter ?? isGlobal;
  const api = wantsTracer !== false || wantsMeter !== false ? await loadApi() : undefined;
  const sinks: MetricSink[] = [];
  if (api !== undefined && wantsMeter !== false) sinks.push(otelSink(wantsMeter === true ? api : wantsMeter));
  if (metrics instanceof KeptMetrics) sinks.push((...measured) => metrics.measure(...measured));
  const given = wantsTracer === true ? api?.trace.getTracer(SCOPE) : wantsTracer;
  const tracing = api === undefined || !given ? undefined : new OtelTracing(api, given, contents);
  return new HostTelemetry(tracing, sinks, contents);
}

/**
 * OpenTelemetry's interface, loaded on use.
 *
 * @throws {GeppettoError} ConfigError ERR_MISSING_PACKAGE.
 */
export async function loadApi(): Promise<OtelApi> {
  try {
    const found = (await import(PACKAGE)) as { default?: OtelApi } & OtelApi;
    return found.trace === undefined ? found.default! : found;
  } catch (error) {
    throw new GeppettoError(
      "ConfigError",
      `Cannot set telemetry up: the package ${PACKAGE} is not installed, add it to your dependencies; createMetrics() needs none`,
      { code: "ERR_MISSING_PACKAGE", cause: error },
    );
  }
}

class HostTelemetry implements Telemetry {
  readonly contents: boolean;
  readonly #tracing: OtelTracing | undefined;
  readonly #sinks: readonly MetricSink[];
  readonly #values = new BoundedValues();
  readonly #untold: UntoldSpan = new UntoldSpan(this);

  constructor(tracing: OtelTracing | undefined, sinks: readonly MetricSink[], contents: boolean) {
    this.#tracing = tracing;
    this.#sinks = sinks;
    this.contents = contents && tracing !== undefined;
  }

  start(span: SpanStart): TraceSpan {
    return this.#tracing?.start(this, span) ?? this.#untold;
  }

  measure(metric: MetricName, value: number, attributes: Attributes = {}): void {
    if (this.#sinks.length === 0) return;
    const labels = this.#values.bound(attributes);
    for (const sink of this.#sinks) {
      // Whoever counts must not change what is counted.
      callBack(() => sink(metric, value, labels));
    }
  }
}
