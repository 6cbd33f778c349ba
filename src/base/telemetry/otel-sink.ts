import { callBack } from "../calls/call-back.ts";
import { METRICS, type MetricDeclaration, type MetricName } from "./conventions.ts";
import type { OtelApi, OtelInstrument, OtelMeter } from "./otel-api.ts";

type Labels = Readonly<Record<string, string>>;

/** Takes a measurement. What comes back is nobody's, but it may be a promise that is rejected. */
export type MetricSink = (metric: MetricName, value: number, labels: Labels) => unknown;

interface Level {
  metric: MetricName;
  labels: Labels;
  value: number;
}

export const SCOPE = "geppetto-js";

/**
 * Measures with a meter, or with that of whatever provider is registered globally at the time: an app may register its own after
 * engines have started, or put another in its place. That one is told where gauges stand.
 */
export function otelSink(to: OtelMeter | OtelApi): MetricSink {
  const made = new Map<MetricName, OtelInstrument>();
  const levels = new Map<string, Level>();
  let known: object | undefined;
  const instrumentOf = (metric: MetricName): OtelInstrument => {
    const provider = "metrics" in to ? to.metrics.getMeterProvider() : undefined;
    if (provider !== known) {
      made.clear();
      known = provider;
      for (const level of levels.values()) callBack(() => tell(level));
    }
    const instrument =
      made.get(metric) ?? createInstrument(provider?.getMeter(SCOPE) ?? (to as OtelMeter), METRICS[metric]);
    made.set(metric, instrument);
    return instrument;
  };
  const tell = ({ metric, value, labels }: Level): unknown => {
    const instrument = instrumentOf(metric);
    return instrument.record ? instrument.record(value, labels) : instrument.add?.(value, labels);
  };
  const note = (level: Level): void => {
    if (METRICS[level.metric].kind !== "gauge") return;
    const key = JSON.stringify([level.metric, level.labels]);
    const value = (levels.get(key)?.value ?? 0) + level.value;
    if (value === 0) levels.delete(key);
    else levels.set(key, { ...level, value });
  };
  return (metric, value, labels) => {
    const measured = { metric, value, labels };
    try {
      return tell(measured);
    } finally {
      note(measured);
    }
  };
}

function createInstrument(meter: OtelMeter, { name, kind, unit, help, buckets }: MetricDeclaration): OtelInstrument {
  const options = {
    unit,
    description: help,
    ...(buckets ? { advice: { explicitBucketBoundaries: [...buckets] } } : {}),
  };
  const made: unknown =
    kind === "gauge" ? meter.createUpDownCounter(name, options) : meter.createHistogram(name, options);
  callBack(() => made);
  return made as OtelInstrument;
}
