import type { ChatChunk, ChatProvider, ChatRequest, StreamOptions, Usage } from "../chat-provider.ts";
import type { Budget } from "./budget.ts";
import { tokensOfChars, tokensOfRequest } from "./estimated-tokens.ts";
import { costOf, type PriceOptions, type PriceTable } from "./price-table.ts";

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
    const model = request.model || this.#model;
    budget.requirePrice(model, this.#prices, this.#options);
    const input = tokensOfRequest(request);
    const call = await budget.start(options.signal, { tokens: input, cost: this.#cost(model, usageOf(input, 0)) });
    const watched: StreamOptions = { ...options, onRetry: () => budget.again() };
    let output = 0;
    let isCounted = false;
    let hasFailed = false;
    try {
      for await (const chunk of this.#inner.stream(this.#capped(request), watched)) {
        if (chunk.type === "end") {
          isCounted = true;
          const usage = chunk.usage ?? usageOf(input, tokensOfChars(output));
          try {
            budget.spend(tokensOf(usage), this.#cost(model, usage));
          } finally {
            call.end();
          }
        } else if ("delta" in chunk) {
          const before = tokensOfChars(output);
          output += chunk.delta.length;
          const more = tokensOfChars(output) - before;
          if (more > 0) call.grow(more, this.#cost(model, usageOf(0, more)));
        }
        yield chunk;
      }
    } catch (error) {
      hasFailed = true;
      throw error;
    } finally {
      // What broke off, or was given up before a word came, has cost something too, but its error is the one to tell.
      const isLeft = !hasFailed || options.signal.aborted;
      if (!isCounted && (output > 0 || isLeft)) this.#spendQuietly(model, usageOf(input, tokensOfChars(output)));
      call.end();
    }
  }

  /** The request with an upper bound that leaves the budget whole. */
  #capped(request: ChatRequest): ChatRequest {
    const { tokensLeft } = this.#budget;
    if (tokensLeft === Infinity) return request;
    return { ...request, maxTokens: Math.min(request.maxTokens ?? Infinity, Math.max(1, tokensLeft)) };
  }

  #cost(model: string, usage: Usage): number {
    return costOf(usage, model, this.#prices, this.#options) ?? 0;
  }

  #spendQuietly(model: string, usage: Usage): void {
    try {
      this.#budget.spend(tokensOf(usage), this.#cost(model, usage));
    } catch {
      // The next call is refused.
    }
  }
}

function usageOf(inputTokens: number, outputTokens: number): Usage {
  return { inputTokens, outputTokens };
}

function tokensOf({ inputTokens, outputTokens, totalTokens = 0 }: Usage): number {
  return Math.max(totalTokens, inputTokens + outputTokens);
}
