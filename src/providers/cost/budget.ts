import { waysToSet } from "../../config/table/names.ts";
import { GeppettoError } from "../../shared/errors.ts";
import type { ChatChunk, ChatProvider, ChatRequest, StreamOptions, Usage } from "../chat-provider.ts";
import type { EmbeddingModel, EmbeddingProvider } from "../embedding-provider.ts";
import { costOf, priceFor, type PriceOptions, type PriceTable } from "./price-table.ts";
import { Semaphore } from "../../base/semaphore.ts";

export interface BudgetLimits {
  /** Requests to models, those for embeddings and those that are made again included. */
  maxCalls?: number | undefined;
  /** Tokens in and out, of all calls together. */
  maxTokens?: number | undefined;
  /** US dollars, of all calls together; every model that is asked then needs a price. */
  maxCost?: number | undefined;
  /** Requests that are under way at once; more wait. */
  concurrency?: number | undefined;
}

export interface Spending {
  calls: number;
  tokens: number;
  cost: number;
}

/** About how many characters a token has, for what no provider has counted. */
const CHARS_PER_TOKEN = 4;

/** Most models without a price that are remembered by name: scripts choose the names. */
const MAX_UNPRICED = 20;

/**
 * What the calls to models may cost, in all. One budget may be shared by several providers and engines. A call that is
 * over a limit before it begins is not made; one that goes over it on the way fails when it ends.
 */
export class Budget {
  readonly limits: BudgetLimits;
  readonly #places: Semaphore;
  readonly #spent: Spending = { calls: 0, tokens: 0, cost: 0 };
  readonly #free = { calls: 0, tokens: 0 };
  readonly #unpriced = new Set<string>();

  constructor(limits: BudgetLimits) {
    this.limits = limits;
    this.#places = new Semaphore(limits.concurrency ?? Infinity);
  }

  /** What has been spent so far. */
  get spent(): Spending {
    return { ...this.#spent };
  }

  /** What was asked of embedded models of embeddings, about: it counts against no limit. */
  get free(): Pick<Spending, "calls" | "tokens"> {
    return { ...this.#free };
  }

  /** Models that were asked although nobody knows what they cost: what was spent is more than {@link spent} says. */
  get unpriced(): readonly string[] {
    return [...this.#unpriced];
  }

  /** Tokens that are left; Infinity where there is no limit. */
  get tokensLeft(): number {
    return Math.max(0, (this.limits.maxTokens ?? Infinity) - this.spent.tokens);
  }

  /**
   * Begins a call: waits for a place and counts it. Call what it resolves with when the call is over.
   *
   * @throws {GeppettoError} LimitError ERR_LIMIT_CALLS, ERR_LIMIT_TOKENS or ERR_LIMIT_COST.
   */
  async begin(signal: AbortSignal): Promise<() => void> {
    const release = await this.#places.acquire(signal);
    try {
      this.requireRoom();
    } catch (error) {
      release();
      throw error;
    }
    this.add(1, 0, 0);
    return release;
  }

  /**
   * Counts a request that is made again, in the place of the one that has failed.
   *
   * @throws {GeppettoError} LimitError where no further call may begin; see {@link begin}.
   */
  again(): void {
    this.requireRoom();
    this.add(1, 0, 0);
  }

  /** @throws {GeppettoError} LimitError where no further call may begin; see {@link begin}. */
  requireRoom(): void {
    const { maxCalls, maxTokens, maxCost } = this.limits;
    const { calls, tokens, cost } = this.spent;
    if (maxCalls !== undefined && calls >= maxCalls) throw exceeded("maxCalls", maxCalls);
    if (maxTokens !== undefined && tokens >= maxTokens) throw exceeded("maxTokens", maxTokens);
    if (maxCost !== undefined && cost >= maxCost) throw exceeded("maxCost", maxCost);
  }

  /** @throws {GeppettoError} LimitError when these tokens, or their cost, are more than was left. */
  spend(tokens: number, cost: number): void {
    this.add(0, tokens, cost);
    const { maxTokens, maxCost } = this.limits;
    const { spent } = this;
    if (maxTokens !== undefined && spent.tokens > maxTokens) throw exceeded("maxTokens", maxTokens);
    if (maxCost !== undefined && spent.cost > maxCost) throw exceeded("maxCost", maxCost);
  }

  /** Adds to what has been spent. */
  protected add(calls: number, tokens: number, cost: number): void {
    this.#spent.calls += calls;
    this.#spent.tokens += tokens;
    this.#spent.cost += cost;
  }

  /** Counts a call that costs nothing and that no limit is for. */
  noteFree(tokens: number): void {
    this.#free.calls++;
    this.#free.tokens += tokens;
  }

  /** @throws {GeppettoError} ConfigError when cost is limited and nobody knows what the model costs. */
  requirePrice(model: string, prices: PriceTable | undefined, { isLocal = false }: PriceOptions = {}): void {
    if (isLocal || priceFor(model, prices) !== undefined) return;
    if (this.limits.maxCost === undefined) {
      if (this.#unpriced.size < MAX_UNPRICED) this.#unpriced.add(model);
      return;
    }
    throw new GeppettoError(
      "ConfigError",
      `Cannot keep to a cost of ${this.limits.maxCost} US dollars: "${model}" has no price; set one under prices, in dollars per million tokens`,
      { code: "ERR_NO_PRICE" },
    );
  }
}

const LIMITS = {
  maxCalls: { code: "ERR_LIMIT_CALLS", unit: "model calls" },
  maxTokens: { code: "ERR_LIMIT_TOKENS", unit: "tokens" },
  maxCost: { code: "ERR_LIMIT_COST", unit: "US dollars" },
} as const;

function exceeded(limit: keyof typeof LIMITS, value: number): GeppettoError {
  const { code, unit } = LIMITS[limit];
  const message = `The script exceeded its limit of ${value} ${unit}; raise it with ${waysToSet(`limits.${limit}`)}`;
  return new GeppettoError("LimitError", message, { code });
}

/** A chat provider whose calls count against a budget. */
export class BudgetedChat implements ChatProvider {
  readonly name: string;
  readonly #inner: ChatProvider;
  readonly #budget: Budget;
  readonly #model: string;
  readonly #prices: PriceTable | undefined;
  readonly #options: PriceOptions;

  /** @param model what is asked where a request names none. */
  constructor(
    inner: ChatProvider,
    budget: Budget,
    {
      model,
      prices,
      isLocal = inner.name === "embedded",
    }: { model: string; prices?: PriceTable | undefined } & PriceOptions,
  ) {
    this.name = inner.name;
    this.#inner = inner;
    this.#budget = budget;
    this.#model = model;
    this.#prices = prices;
    this.#options = { isLocal };
  }

  async *stream(request: ChatRequest, options: StreamOptions): AsyncGenerator<ChatChunk, void, undefined> {
    const budget = this.#budget;
    budget.requirePrice(request.model || this.#model, this.#prices, this.#options);
    const release = await budget.begin(options.signal);
    const watched: StreamOptions = { ...options, onRetry: () => budget.again() };
    const input = estimateInput(request);
    let output = 0;
    try {
      for await (const chunk of this.#inner.stream(this.#capped(request, input), watched)) {
        if (chunk.type === "end") {
          const usage = chunk.usage ?? { inputTokens: input, outputTokens: Math.ceil(output / CHARS_PER_TOKEN) };
          output = 0;
          budget.spend(tokensOf(usage), costOf(usage, request.model || this.#model, this.#prices, this.#options) ?? 0);
        } else if ("delta" in chunk) output += chunk.delta.length;
        yield chunk;
      }
    } finally {
      release();
      // What broke off has cost something too, but its error is the one to tell.
      if (output > 0) this.#spendQuietly(input, Math.ceil(output / CHARS_PER_TOKEN), request.model || this.#model);
    }
  }

  /** The request with an upper bound that leaves the budget whole. */
  #capped(request: ChatRequest, input: number): ChatRequest {
    const left = this.#budget.tokensLeft;
    if (left === Infinity) return request;
    return { ...request, maxTokens: Math.min(request.maxTokens ?? Infinity, Math.max(1, left - input)) };
  }

  #spendQuietly(inputTokens: number, outputTokens: number, model: string): void {
    try {
      this.#budget.spend(
        inputTokens + outputTokens,
        costOf({ inputTokens, outputTokens }, model, this.#prices, this.#options) ?? 0,
      );
    } catch {
      // The next call is refused.
    }
  }
}

/** A provider of embeddings that cost nothing but time: a budget knows of them, and bounds none. */
export class FreeEmbeddings implements EmbeddingProvider {
  readonly name: string;
  readonly #inner: EmbeddingProvider;
  readonly #budget: Budget;

  constructor(inner: EmbeddingProvider, budget: Budget) {
    this.name = inner.name;
    this.#inner = inner;
    this.#budget = budget;
  }

  model(): EmbeddingModel {
    return this.#inner.model();
  }

  async embed(texts: string[], options: { signal: AbortSignal }): Promise<Float32Array[]> {
    this.#budget.noteFree(tokensIn(texts));
    return this.#inner.embed(texts, options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** An embedding provider whose calls count against a budget. */
export class BudgetedEmbeddings implements EmbeddingProvider {
  readonly name: string;
  readonly #inner: EmbeddingProvider;
  readonly #budget: Budget;
  readonly #prices: PriceTable | undefined;
  readonly #options: PriceOptions;

  constructor(inner: EmbeddingProvider, budget: Budget, prices: PriceTable | undefined, options: PriceOptions = {}) {
    this.name = inner.name;
    this.#inner = inner;
    this.#budget = budget;
    this.#prices = prices;
    this.#options = options;
  }

  model(): EmbeddingModel {
    return this.#inner.model();
  }

  async embed(texts: string[], options: { signal: AbortSignal }): Promise<Float32Array[]> {
    const { name } = this.model();
    this.#budget.requirePrice(name, this.#prices, this.#options);
    const release = await this.#budget.begin(options.signal);
    try {
      const vectors = await this.#inner.embed(texts, options);
      const inputTokens = tokensIn(texts);
      this.#budget.spend(inputTokens, costOf({ inputTokens, outputTokens: 0 }, name, this.#prices, this.#options) ?? 0);
      return vectors;
    } finally {
      release();
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** About how many tokens there are in texts. */
function tokensIn(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Math.ceil(text.length / CHARS_PER_TOKEN), 0);
}

function tokensOf(usage: Usage): number {
  const { inputTokens, outputTokens, totalTokens = 0 } = usage;
  return Math.max(totalTokens, inputTokens + outputTokens);
}

function estimateInput({ system = "", messages }: ChatRequest): number {
  const chars = messages.reduce((sum, { content }) => sum + lengthOf(content), system.length);
  return Math.ceil(chars / CHARS_PER_TOKEN);
}

function lengthOf(content: ChatRequest["messages"][number]["content"]): number {
  if (typeof content === "string") return content.length;
  return content.reduce((sum, part) => sum + (part.type === "text" ? part.text.length : 0), 0);
}
