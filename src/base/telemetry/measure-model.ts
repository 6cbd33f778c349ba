import { ATTRIBUTES } from "./conventions.ts";
import { errorType } from "./error-type.ts";
import type { Attributes, SpanFailure, Telemetry } from "./trace.ts";

/** Adds one request to a model to the metrics. */
export function measureModel(
  telemetry: Telemetry,
  ms: number,
  labels: Attributes,
  tokens: { input: number; output: number } | undefined,
  failure: SpanFailure | undefined,
): void {
  const failed = failure === undefined ? {} : { [ATTRIBUTES.errorType]: errorType(failure.error) };
  telemetry.measure("operation", ms / 1000, { ...labels, ...failed });
  if (tokens === undefined) return;
  telemetry.measure("tokens", tokens.input, { ...labels, [ATTRIBUTES.tokenType]: "input" });
  telemetry.measure("tokens", tokens.output, { ...labels, [ATTRIBUTES.tokenType]: "output" });
}
