import type { ToolCallChunk } from "../providers/chat-provider.ts";
import { resultText } from "../shared/step-events.ts";
import { GuestFailure } from "./guest-failure.ts";
import type { StepContext } from "./step.ts";

export interface ToolOutcome {
  /** What the `tool-result` event tells. */
  result: unknown;
  /** What the model is told. */
  text: string;
  isError: boolean;
  code?: string;
  /** What the call was made with, where a hook has changed that. */
  input?: Record<string, unknown>;
  /** How often it was made, where that is more than once. */
  attempts?: number;
  /** Of a call that was made and has failed: with what. */
  cause?: unknown;
}

/** Tells what came of a call. */
export async function publishOutcome(
  { toolCall: { id } }: ToolCallChunk,
  { result, isError, code, input, attempts }: ToolOutcome,
  context: StepContext,
): Promise<void> {
  const facts = {
    ...(isError ? { isError } : {}),
    ...(code === undefined ? {} : { code }),
    ...(input === undefined ? {} : { input }),
    ...(attempts === undefined ? {} : { attempts }),
  };
  await context.publish({ type: "tool-result", toolResult: { id, result, ...facts } });
}

/** The outcome of a call that gave this. */
export function toOutcome(result: unknown, isError = false): ToolOutcome {
  return { result, text: resultText(result), isError };
}

/** The outcome of a call that was not made, or failed. */
export function failed(reason: string, code?: string): ToolOutcome {
  const text = `Error: ${reason}`;
  return { result: text, text, isError: true, ...(code === undefined ? {} : { code }) };
}

/** What the model is told of an error. */
export function messageOf(error: unknown): string {
  if (error instanceof GuestFailure) return error.record.message;
  return error instanceof Error ? error.message : String(error);
}
