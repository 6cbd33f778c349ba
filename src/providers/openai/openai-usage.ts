import type { Usage } from "../chat-provider.ts";
import { countOf, recordOf } from "../input/unknown-fields.ts";

/** Where servers put each count, the usual place first. A dot leads into an object. */
const PLACES: Record<keyof Usage, readonly string[]> = {
  inputTokens: ["prompt_tokens", "input_tokens", "promptTokens", "prompt_eval_count", "promptTokenCount"],
  outputTokens: ["completion_tokens", "output_tokens", "completionTokens", "eval_count", "candidatesTokenCount"],
  cachedTokens: [
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "cached_tokens",
    "prompt_cache_hit_tokens",
  ],
  cacheCreationInputTokens: [
    "prompt_tokens_details.cache_write_tokens",
    "input_tokens_details.cache_write_tokens",
    "cache_creation_input_tokens",
  ],
  cacheReadInputTokens: [],
  reasoningTokens: [
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "reasoning_tokens",
  ],
  totalTokens: ["total_tokens", "totalTokens", "totalTokenCount"],
};
const FIELDS = Object.keys(PLACES) as (keyof Usage)[];

/** The counts of OpenAI's two APIs, and of servers that imitate them. A later count replaces an earlier one, but for zeros. */
export class UsageCounts {
  readonly #counts: Partial<Usage> = {};

  /** Reads whatever stands where usage may stand; what holds no counts changes nothing. */
  add(value: unknown): void {
    const usage = recordOf(value);
    if (usage === undefined) return;
    for (const field of FIELDS) {
      const counts = PLACES[field].map((place) => countOf(at(usage, place))).filter((count) => count !== undefined);
      const count = counts.find((count) => count > 0) ?? counts[0];
      if (count !== undefined && (count > 0 || this.#counts[field] === undefined)) this.#counts[field] = count;
    }
  }

  /** Undefined where no server has said what went in, what came out or the sum. */
  toUsage(): Usage | undefined {
    const { inputTokens, outputTokens, totalTokens, ...rest } = this.#counts;
    if (inputTokens === undefined && outputTokens === undefined && totalTokens === undefined) return undefined;
    const restOf = (known: number | undefined): number =>
      known === undefined ? 0 : Math.max(0, (totalTokens ?? known) - known);
    return {
      inputTokens: inputTokens ?? restOf(outputTokens),
      outputTokens: outputTokens ?? restOf(inputTokens),
      ...rest,
      ...(totalTokens === undefined ? {} : { totalTokens }),
    };
  }
}

function at(record: Record<string, unknown>, place: string): unknown {
  return place.split(".").reduce<unknown>((value, key) => recordOf(value)?.[key], record);
}
