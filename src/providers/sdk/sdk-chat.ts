import type { ChatChunk, ChatProvider, ChatRequest } from "../chat-provider.ts";
import { type ErrorOrigin, toProviderError } from "../provider-error.ts";
import { errorOriginOf } from "./sdk-client.ts";
import type { ResolvedSettings } from "../settings.ts";
import { createStreamWatch, type Fetch, type StreamWatch } from "./watched-fetch.ts";

/** Makes chunks of the events of one answer. */
export interface EventReader {
  /** The event after which no more text comes has been read. */
  readonly isFinished: boolean;
  /** What the last event said went wrong. */
  readonly failure?: Record<string, unknown> | undefined;
  read(event: unknown): Iterable<ChatChunk>;
}

/** How one request is sent. */
export interface Sending {
  settings: ResolvedSettings;
  fetch: Fetch;
  signal: AbortSignal;
}

/** What all chat providers have in common that speak through a vendor's SDK. One attempt per stream. */
export abstract class SdkChat<R extends EventReader> implements ChatProvider {
  abstract readonly name: string;
  /** How long the server may keep us waiting, or the connection open, once the reader is finished. */
  protected abstract readonly graceMs: number;
  readonly #settings: ResolvedSettings;
  readonly #fetch: Fetch | undefined;

  constructor(settings: ResolvedSettings, options: { fetch?: Fetch } = {}) {
    this.#settings = settings;
    this.#fetch = options.fetch;
  }

  async *stream(request: ChatRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ChatChunk, void, undefined> {
    signal.throwIfAborted();
    const settings = this.#settings;
    const origin = errorOriginOf(settings);
    const watch = createStreamWatch({
      provider: this.name,
      idleTimeoutMs: settings.idleTimeoutMs,
      ...(this.#fetch ? { fetch: this.#fetch } : {}),
    });
    const reader = this.createReader(request.model);
    try {
      for await (const event of await this.send(request, { settings, fetch: watch.fetch, signal })) {
        for (const chunk of reader.read(event)) {
          signal.throwIfAborted();
          yield chunk;
        }
        if (reader.failure) throw toProviderError({ error: reader.failure }, origin);
        if (reader.isFinished) watch.settle(this.graceMs);
      }
      signal.throwIfAborted();
      // Whole, so that nothing of it is seen where its end is missing.
      const rest = [...this.readEnd(reader, watch, origin)];
      for (const chunk of rest) {
        signal.throwIfAborted();
        yield chunk;
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : toProviderError(error, origin);
    }
  }

  protected abstract createReader(model: string): R;

  /** Asks the vendor's SDK. */
  protected abstract send(request: ChatRequest, sending: Sending): Promise<AsyncIterable<unknown>>;

  /**
   * What is left when there are no more events, the "end" chunk last. Some gateways answer with one JSON document although
   * a stream was asked for: it is in the watch. Throws where the answer is not whole.
   */
  protected abstract readEnd(reader: R, watch: StreamWatch, origin: ErrorOrigin): Iterable<ChatChunk>;
}
