import type { StepEvent } from "../../shared/step-events.ts";
import type { StepEmission } from "../../steps/step.ts";

/** What of an event a run around this one passes on as its own: pieces of text and tool events, no results. */
export function toEmission(event: StepEvent): StepEmission | undefined {
  if (event.type === "partial") return "result" in event ? undefined : { type: "partial", delta: event.delta };
  if (event.type === "tool-call") return { type: "tool-call", toolCall: event.toolCall };
  return event.type === "tool-result" ? { type: "tool-result", toolResult: event.toolResult } : undefined;
}

/** About how many bytes an event takes on its way to the guest. */
export function eventBytes(event: StepEvent): number {
  if (event.type === "partial") return 100 + event.delta.length;
  return event.type === "final" ? 500 + event.text.length : 500;
}
