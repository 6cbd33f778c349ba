import type { ChatChunk, ChatProvider, ChatRequest, StreamOptions } from "./chat-provider.ts";
import { type RetryOptions, waitForNextAttempt } from "./retry-policy.ts";

/** Asks again after a transient failure, as long as no chunk has been delivered. The only place where chat is retried. */
export class RetryingProvider implements ChatProvider {
  readonly name: string;
  readonly #inner: ChatProvider;
  readonly #options: RetryOptions;

  constructor(inner: ChatProvider, options: RetryOptions = {}) {
    this.name = inner.name;
    this.#inner = inner;
    this.#options = options;
  }

  async *stream(request: ChatRequest, { signal, onRetry }: StreamOptions): AsyncGenerator<ChatChunk, void, undefined> {
    for (let attempt = 1; ; attempt++) {
      let hasDelivered = false;
      try {
        for await (const chunk of this.#inner.stream(request, { signal })) {
          hasDelivered = true;
          yield chunk;
        }
        return;
      } catch (error) {
        if (hasDelivered) throw error;
        await waitForNextAttempt(error, attempt, this.#options, signal);
        onRetry?.();
      }
    }
  }
}
