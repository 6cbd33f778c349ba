import type { StepEvent } from "../../shared/step-events.ts";

/** What the model calls of a script used. */
export interface RunUsage {
  calls: number;
  inputTokens: number;
  outputTokens: number;
  /** US dollars, of the calls whose model has a price; absent where none has. */
  cost?: number;
}

/** Adds what an event says that a call has used. */
export function countUsage(sum: RunUsage, { type, step }: Pick<StepEvent, "type" | "step">): void {
  const { usage, cost, cached } = step.metadata as {
    usage?: { inputTokens?: number; outputTokens?: number };
    cost?: number;
    cached?: true;
  };
  // The runs around a call report it too: that is not a further call, and what was kept has cost nothing.
  if (type !== "final" || usage === undefined || step.type !== "chat" || cached === true) return;
  sum.calls++;
  sum.inputTokens += usage.inputTokens ?? 0;
  sum.outputTokens += usage.outputTokens ?? 0;
  if (cost !== undefined) sum.cost = (sum.cost ?? 0) + cost;
}
