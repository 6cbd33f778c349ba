import type { Usage } from "./chat-provider.ts";

/** US dollars per million tokens. */
export interface Price {
  input: number;
  output: number;
  /** Input read from a cache; default as `input`. */
  cachedInput?: number;
  /** Input written to a cache; default as `input`. */
  cacheWrite?: number;
}

/** Prices by model. A key ending in `*` stands for all models that begin so; the longest that fits counts. */
export type PriceTable = Readonly<Record<string, Price>>;

const TOKENS_PER_PRICE = 1_000_000;

/** The price of a model, or undefined where the table says nothing about it. */
export function priceOf(model: string, prices: PriceTable): Price | undefined {
  if (Object.hasOwn(prices, model)) return prices[model];
  const fitting = Object.keys(prices).filter((key) => key.endsWith("*") && model.startsWith(key.slice(0, -1)));
  const longest = fitting.sort((a, b) => b.length - a.length)[0];
  return longest === undefined ? undefined : prices[longest];
}

/**
 * What these tokens cost, in US dollars; undefined without usage or price.
 *
 * @example
 * costOf({ inputTokens: 1_000_000, outputTokens: 0 }, "m", { m: { input: 2, output: 8 } }); // 2
 */
export function costOf(usage: Usage | undefined, model: string, prices: PriceTable | undefined): number | undefined {
  const price = prices === undefined ? undefined : priceOf(model, prices);
  if (usage === undefined || price === undefined) return undefined;
  const { input, output, cachedInput = input, cacheWrite = input } = price;
  // OpenAI counts cached tokens within the input, Anthropic beside it.
  const cachedWithin = usage.cachedTokens ?? 0;
  const writtenWithin = usage.cacheReadInputTokens === undefined ? (usage.cacheCreationInputTokens ?? 0) : 0;
  const writtenBeside = usage.cacheReadInputTokens === undefined ? 0 : (usage.cacheCreationInputTokens ?? 0);
  const sum =
    Math.max(0, usage.inputTokens - cachedWithin - writtenWithin) * input +
    (cachedWithin + (usage.cacheReadInputTokens ?? 0)) * cachedInput +
    (writtenWithin + writtenBeside) * cacheWrite +
    usage.outputTokens * output;
  return sum / TOKENS_PER_PRICE;
}
