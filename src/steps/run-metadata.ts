import type { RunMetadata } from "../shared/step-events.ts";

/** What each run says of itself only. */
const OWN = new Set(["stepId", "type", "inputType", "outputType", "startedAt", "durationMs", "eventCount"]);

/**
 * Adds to a run's metadata what a run inside it has found out: engine, stop reason and the like as they are, usage as
 * the sum over all runs inside.
 */
export function inheritMetadata(metadata: RunMetadata, inner: RunMetadata): void {
  for (const [key, value] of Object.entries(inner)) {
    if (OWN.has(key) || value === undefined) continue;
    metadata[key] = key === "usage" ? addUsage(metadata.usage, value as object) : value;
  }
}

/** Leaves of a run's metadata only what each run says of itself. */
export function dropAdded(metadata: RunMetadata): void {
  for (const key of Object.keys(metadata)) if (!OWN.has(key)) delete metadata[key];
}

function addUsage(usage: object | undefined, more: object): object {
  const sum: Record<string, unknown> = { ...usage };
  for (const [key, value] of Object.entries(more)) {
    const before = sum[key];
    sum[key] = typeof before === "number" && typeof value === "number" ? before + value : value;
  }
  return sum;
}
