import type { TraceSpan } from "../src/trace/trace-model.ts";

/** Most rows of bars; what does not fit lies over others in the last one. */
const MAX_LANES = 60;

/** The row of each span: the first one that is free, waiting in one of its own. */
export function toLanes(spans: readonly TraceSpan[], end: number): { lanes: Int32Array; count: number } {
  const lanes = new Int32Array(spans.length);
  const free: number[] = [];
  const hasWaits = spans.some(({ kind }) => kind === "wait");
  const first = hasWaits ? 1 : 0;
  for (const [index, span] of spans.entries()) {
    if (span.kind === "wait") continue;
    // A run's own work stands below it.
    const start = span.parent === undefined ? first : lanes[span.parent]! + 1;
    let lane = Math.min(start, first + MAX_LANES - 1);
    while (lane < first + MAX_LANES - 1 && (free[lane] ?? -1) > span.start) lane++;
    lanes[index] = lane;
    free[lane] = Math.max(free[lane] ?? -1, span.end ?? end, span.start + Number.EPSILON);
  }
  return { lanes, count: Math.max(1, first, free.length) };
}
