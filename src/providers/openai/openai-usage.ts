import type { Usage } from "../chat-provider.ts";
import { countOf, recordOf } from "../input/unknown-fields.ts";

/** OpenAI's two APIs count alike and differ in the words for what went in and what came out. */
export function toUsage(value: unknown, input: "prompt" | "input", output: "completion" | "output"): Usage | undefined {
  const usage = recordOf(value);
  const inputTokens = countOf(usage?.[`${input}_tokens`]);
  const outputTokens = countOf(usage?.[`${output}_tokens`]);
  if (!usage || (inputTokens === undefined && outputTokens === undefined)) return undefined;
  const inputDetails = recordOf(usage[`${input}_tokens_details`]);
  const cachedTokens = countOf(inputDetails?.["cached_tokens"]);
  const cacheCreationInputTokens = countOf(inputDetails?.["cache_write_tokens"]);
  const reasoningTokens = countOf(recordOf(usage[`${output}_tokens_details`])?.["reasoning_tokens"]);
  const totalTokens = countOf(usage["total_tokens"]);
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    ...(cachedTokens === undefined ? {} : { cachedTokens }),
    ...(cacheCreationInputTokens === undefined ? {} : { cacheCreationInputTokens }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    ...(totalTokens === undefined ? {} : { totalTokens }),
  };
}
