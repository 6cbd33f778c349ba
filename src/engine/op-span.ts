import { ATTRIBUTES } from "../base/telemetry/conventions.ts";
import { currentTelemetry, type TraceSpan } from "../base/telemetry/trace.ts";
import type { Op } from "../shared/contract/op.ts";
import type { Outcome } from "../shared/frames.ts";

/** The span of one call of an op, where somebody hears of it and it is more than a step of our own machinery. */
export function startOpSpan({ name, mode, isTraced }: Op): TraceSpan | undefined {
  if (isTraced !== true || mode === "note") return undefined;
  const telemetry = currentTelemetry();
  if (telemetry === undefined) return undefined;
  const shown = name.replace(/^app\./, "");
  return telemetry.start({ name: `op ${shown}`, attributes: { [ATTRIBUTES.opName]: shown } });
}

/** It is over; without an outcome it was given up. */
export function endOpSpan(span: TraceSpan | undefined, outcome: Outcome | undefined): void {
  if (outcome?.ok === true) span?.end();
  else span?.end({ error: outcome?.error ?? { code: "ERR_ABORTED" } });
}
