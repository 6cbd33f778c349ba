import type { EmbeddingModel, EmbeddingProvider, EmbedOptions } from "../embedding-provider.ts";
import type { Budget } from "./budget.ts";
import { tokensIn } from "./estimated-tokens.ts";
import { costOf, type PriceOptions, type PriceTable } from "./price-table.ts";

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

  async embed(texts: string[], options: EmbedOptions): Promise<Float32Array[]> {
    this.#budget.noteFree(tokensIn(texts));
    return this.#inner.embed(texts, options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** An embedding provider whose requests count against a budget, however many one call is made of. */
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

  async embed(texts: string[], options: EmbedOptions): Promise<Float32Array[]> {
    const budget = this.#budget;
    const { name } = this.model();
    budget.requirePrice(name, this.#prices, this.#options);
    const tokens = tokensIn(texts);
    const call = await budget.start(options.signal, { tokens, cost: this.#cost(name, tokens) });
    let requests = 0;
    let sent = 0;
    const onRequest = (batch: readonly string[]): void => {
      // The first one has been counted.
      if (requests++ > 0) budget.again();
      sent += tokensIn(batch);
    };
    let isWhole = false;
    try {
      const vectors = await this.#inner.embed(texts, { ...options, onRequest });
      isWhole = true;
      return vectors;
    } finally {
      try {
        // Where it has failed that is the error to tell; what was sent until then counts.
        this.#spend(name, isWhole ? tokens : sent, isWhole);
      } finally {
        call.end();
      }
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #spend(model: string, tokens: number, isWhole: boolean): void {
    try {
      this.#budget.spend(tokens, this.#cost(model, tokens));
    } catch (error) {
      if (isWhole) throw error;
    }
  }

  #cost(model: string, inputTokens: number): number {
    return costOf({ inputTokens, outputTokens: 0 }, model, this.#prices, this.#options) ?? 0;
  }
}
