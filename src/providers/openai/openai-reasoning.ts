import { GeppettoError } from "../../shared/errors.ts";
import type { ChatRequest, ReasoningOptions } from "../chat-provider.ts";

/**
 * The effort that is asked for.
 *
 * @throws {GeppettoError} ValidationError for a budget alone: OpenAI's APIs have none, and would think without one.
 */
export function effortOf({ reasoning }: ChatRequest): ReasoningOptions["effort"] {
  if (reasoning === undefined || reasoning.effort !== undefined) return reasoning?.effort;
  if (reasoning.budgetTokens === undefined) return undefined;
  throw new GeppettoError(
    "ValidationError",
    "Cannot use the option reasoning.budgetTokens: OpenAI's APIs have no such bound, use reasoning.effort",
  );
}
