import type { Usage } from "../chat-provider.ts";
import { countOf, recordOf } from "../input/unknown-fields.ts";

/** Anthropic's counts; undefined where there are none. Its total is the sum of all, since caches count beside the input. */
export function toAnthropicUsage(usage: Record<string, unknown>): Usage | undefined {
  const inputTokens = countOf(usage["input_tokens"]);
  const outputTokens = countOf(usage["output_tokens"]);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const cacheCreationInputTokens = countOf(usage["cache_creation_input_tokens"]);
  const cacheReadInputTokens = countOf(usage["cache_read_input_tokens"]);
  const reasoningTokens = countOf(recordOf(usage["output_tokens_details"])?.["thinking_tokens"]);
  const counts = [inputTokens, outputTokens, cacheCreationInputTokens, cacheReadInputTokens];
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    ...(cacheCreationInputTokens === undefined ? {} : { cacheCreationInputTokens }),
    ...(cacheReadInputTokens === undefined ? {} : { cacheReadInputTokens }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    totalTokens: counts.reduce<number>((sum, count) => sum + (count ?? 0), 0),
  };
}
