import { estimateBytes } from "../../base/estimate-bytes.ts";
import type { StepEvent } from "../../shared/step-events.ts";
import type { StepEmission } from "../../steps/step.ts";

/** What of an event a run around this one passes on as its own: pieces of text, reasoning, tool and context events, no results. */
export function toEmission(event: StepEvent): StepEmission | undefined {
  if (event.type === "partial") return "result" in event ? undefined : { type: "partial", delta: event.delta };
  if (event.type === "reasoning") return { type: "reasoning", delta: event.delta };
  if (event.type === "tool-call") return { type: "tool-call", toolCall: event.toolCall };
  if (event.type === "context") return { type: "context", context: event.context };
  return event.type === "tool-result" ? { type: "tool-result", toolResult: event.toolResult } : undefined;
}

/** More than this is counted of no call. */
const MAX_TOOL_CALL_BYTES = 1024 * 1024;

/** About how many bytes an event takes on its way to the guest. */
export function eventBytes(event: StepEvent): number {
  if (event.type === "partial" || event.type === "reasoning") return 100 + event.delta.length;
  if (event.type === "tool-call") return 500 + estimateBytes(event.toolCall, MAX_TOOL_CALL_BYTES);
  if (event.type === "log") return 500 + estimateBytes(event.log, MAX_TOOL_CALL_BYTES);
  if (event.type === "context") return 500 + (event.context.summary?.length ?? 0);
  return event.type === "final" ? 500 + event.text.length : 500;
}
