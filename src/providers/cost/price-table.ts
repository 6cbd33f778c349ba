import type { Usage } from "../chat-provider.ts";
import { LIST_PRICES, type Price, type PriceTable } from "./list-prices.ts";

export type { Price, PriceTable } from "./list-prices.ts";

export interface PriceOptions {
  /** The server is this machine, or this process: what it does costs nothing, unless the user says what. */
  isLocal?: boolean | undefined;
}

const TOKENS_PER_PRICE = 1_000_000;

/**
 * The price of a model: the user's own, else its vendor's list price, but for local servers. Undefined where nobody knows
 * one.
 *
 * @example
 * priceFor("gpt-5-mini", undefined)?.output; // 2
 */
export function priceFor(
  model: string,
  prices: PriceTable = {},
  { isLocal = false }: PriceOptions = {},
): Price | undefined {
  return priceOf(model, prices) ?? (isLocal ? undefined : priceOf(model, LIST_PRICES));
}

function priceOf(model: string, prices: PriceTable): Price | undefined {
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
export function costOf(
  usage: Usage | undefined,
  model: string,
  prices: PriceTable | undefined,
  options: PriceOptions = {},
): number | undefined {
  const price = priceFor(model, prices, options);
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
