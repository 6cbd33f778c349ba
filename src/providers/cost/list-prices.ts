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

/** The day on which the vendors' price lists were read. */
export const LIST_PRICES_DATE = "2026-10-10";

/** US dollars per million tokens: input, input read from a cache, input written to one, output. */
type Row = readonly [model: string, input: number, cachedInput: number, cacheWrite: number, output: number];

/** OpenAI's standard tier; for prompts of more than 272,000 tokens some of these cost up to twice as much. */
const OPENAI: readonly Row[] = [
  ["gpt-6.1-sol", 2, 0.1, 2.5, 10],
  ["gpt-6-sol", 2, 0.2, 2.5, 10],
  ["gpt-6-luna", 0.1, 0.01, 0.125, 0.5],
  ["gpt-5.6-sol", 4, 0.4, 5, 20],
  ["gpt-5.6-luna", 0.2, 0.02, 0.25, 1.2],
  ["gpt-5.4", 2.5, 0.25, 2.5, 15],
  ["gpt-5.4-mini", 0.75, 0.075, 0.75, 4.5],
  ["gpt-5.4-nano", 0.2, 0.02, 0.2, 1.25],
  ["gpt-5.2", 1.75, 0.175, 1.75, 14],
  ["gpt-5.2-pro", 21, 21, 21, 168],
  ["gpt-5.1", 1.25, 0.125, 1.25, 10],
  ["gpt-5", 1.25, 0.125, 1.25, 10],
  ["gpt-5-mini", 0.25, 0.025, 0.25, 2],
  ["gpt-5-nano", 0.05, 0.005, 0.05, 0.4],
  ["gpt-4.1", 2, 0.5, 2, 8],
  ["gpt-4.1-mini", 0.4, 0.1, 0.4, 1.6],
  ["gpt-4.1-nano", 0.1, 0.025, 0.1, 0.4],
  ["gpt-4o", 2.5, 1.25, 2.5, 10],
  ["gpt-4o-mini", 0.15, 0.075, 0.15, 0.6],
  ["o4-mini", 1.1, 0.275, 1.1, 4.4],
  ["o3", 2, 0.5, 2, 8],
  ["o3-mini", 1.1, 0.55, 1.1, 4.4],
  ["o1", 15, 7.5, 15, 60],
  ["gpt-4-turbo", 10, 10, 10, 30],
  ["gpt-4", 30, 30, 30, 60],
  ["gpt-3.5-turbo", 0.5, 0.5, 0.5, 1.5],
  ["text-embedding-3-small", 0.02, 0.02, 0.02, 0],
  ["text-embedding-3-large", 0.13, 0.13, 0.13, 0],
  ["text-embedding-ada-002", 0.1, 0.1, 0.1, 0],
];

/** Anthropic's models with caches of five minutes. */
const ANTHROPIC: readonly Row[] = [
  ["claude-fable-5-1", 10, 0.25, 12.5, 50],
  ["claude-fable-5", 10, 1, 12.5, 50],
  ["claude-opus-5-5", 4, 0.2, 5, 20],
  ["claude-opus-5", 5, 0.5, 6.25, 25],
  ["claude-opus-4-8", 5, 0.5, 6.25, 25],
  ["claude-opus-4-7", 5, 0.5, 6.25, 25],
  ["claude-opus-4-6", 5, 0.5, 6.25, 25],
  ["claude-opus-4-5", 5, 0.5, 6.25, 25],
  ["claude-opus-4-1", 15, 1.5, 18.75, 75],
  ["claude-opus-4", 15, 1.5, 18.75, 75],
  ["claude-sonnet-5-5", 2, 0.2, 2.5, 10],
  ["claude-sonnet-5", 2, 0.2, 2.5, 10],
  ["claude-sonnet-4-6", 3, 0.3, 3.75, 15],
  ["claude-sonnet-4-5", 3, 0.3, 3.75, 15],
  ["claude-sonnet-4", 3, 0.3, 3.75, 15],
  ["claude-3-7-sonnet", 3, 0.3, 3.75, 15],
  ["claude-haiku-4-5", 1, 0.1, 1.25, 5],
  ["claude-3-5-haiku", 0.8, 0.08, 1, 4],
];

/** The vendors' own prices of well-known models on {@link LIST_PRICES_DATE}, under their names and their dated names. */
export const LIST_PRICES: PriceTable = Object.fromEntries(
  [...OPENAI, ...ANTHROPIC].flatMap(([model, input, cachedInput, cacheWrite, output]) => {
    const price: Price = { input, cachedInput, cacheWrite, output };
    return [
      [model, price],
      [`${model}-2*`, price],
    ];
  }),
);
