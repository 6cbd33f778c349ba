import { AnthropicMessages } from "./anthropic/anthropic-messages.ts";
import { Budget, BudgetedChat, BudgetedEmbeddings } from "./budget.ts";
import type { ChatChunk, ChatProvider, ChatRequest } from "./chat-provider.ts";
import { DemoChat } from "./embedded/demo-chat.ts";
import { EmbeddedEmbeddings } from "./embedded/embedded-embeddings.ts";
import { CachedEmbeddings } from "./embedding-cache.ts";
import type { EmbeddingProvider } from "./embedding-provider.ts";
import { OpenAIChat } from "./openai/openai-chat.ts";
import { OpenAIResponses } from "./openai/openai-responses.ts";
import { OpenAIEmbeddings } from "./openai/openai-embeddings.ts";
import { RetryingProvider } from "./retrying-provider.ts";
import {
  type Environment,
  type ModelSettings,
  type ProviderName,
  type ResolvedSettings,
  resolveProviderSettings,
} from "./settings.ts";
import type { Fetch } from "./sdk/watched-fetch.ts";
import { GeppettoError } from "../shared/errors.ts";

export type * from "./chat-provider.ts";
export type { EmbeddingModel, EmbeddingProvider } from "./embedding-provider.ts";
export { type ChatInput, type ChatOptions, parseChatInput, parseChatOptions } from "./input/chat-input.ts";
export { DEMO_NOTICE } from "./embedded/demo-chat.ts";
export { Budget, type BudgetLimits, type Spending } from "./budget.ts";
export { closestName } from "./input/closest-name.ts";
export { compileJsonSchema, type JsonSchemaCheck } from "./schema/json-schema.ts";
export { costOf, type Price, type PriceTable, priceOf } from "./price-table.ts";
export { OpenAISpeech, type SpeechOptions, type SpeechSettings } from "./openai/openai-speech.ts";
export { ScriptedChat, type ScriptedTurn } from "./embedded/scripted-chat.ts";
export { EmbeddingReranker, type RankedDocument, type RankOptions, type Reranker } from "./reranker.ts";
export { type ProviderErrorExtras, providerErrorExtras } from "./provider-error.ts";
export type { RetryOptions } from "./retry-policy.ts";
export {
  type Environment,
  type ModelSettings,
  PROVIDER_NAMES,
  type ProviderName,
  type ResolvedSettings,
  resolveProviderSettings,
} from "./settings.ts";
export type { Fetch } from "./sdk/watched-fetch.ts";

export interface CreateProviderOptions {
  /** Where keys and base URLs come from that the settings do not have; usually `process.env`. */
  env: Environment;
  fetch?: Fetch;
  /** What all calls together may cost. */
  budget?: Budget;
  /** Told once when a setting is not honoured. */
  warn?: (text: string) => void;
  /**
   * Put around each chat provider, outside of its retries and inside of its budget: it sees requests with their
   * defaults and model filled in. For recording and replaying.
   */
  wrap?: (provider: ChatProvider) => ChatProvider;
  /** Put around each provider of embeddings, outside of its cache: it sees what is asked for. Likewise. */
  wrapEmbeddings?: (provider: EmbeddingProvider) => EmbeddingProvider;
}

export const DEFAULT_CHAT_MODELS: Readonly<Record<ProviderName, string>> = {
  embedded: "demo",
  openai: "gpt-5-mini",
  anthropic: "claude-sonnet-5",
};

/**
 * A chat provider with retries and with the settings as defaults of every request. Instant: SDKs load with the first
 * stream, and a missing key is an error of that. Throws a `ConfigError` for an unknown provider.
 *
 * @example
 * createChatProvider({ provider: "embedded", deltaMs: 0 }, { env: {} }).name; // "embedded"
 */
export function createChatProvider(settings: ModelSettings, options: CreateProviderOptions): ChatProvider {
  const resolved = resolveProviderSettings(settings, options.env);
  const provider = createUnlimited(resolved, settings, options);
  const { budget } = options;
  if (budget === undefined) return provider;
  const model = resolved.model || DEFAULT_CHAT_MODELS[resolved.provider];
  return new BudgetedChat(provider, budget, { model, prices: settings.prices });
}

function createUnlimited(
  resolved: ResolvedSettings,
  settings: ModelSettings,
  options: CreateProviderOptions,
): ChatProvider {
  const model = resolved.model || DEFAULT_CHAT_MODELS[resolved.provider];
  const { wrap = (provider) => provider } = options;
  if (resolved.provider === "embedded") {
    if (model !== "demo") options.warn?.(`Using embedded:demo: the embedded provider has no chat model "${model}"`);
    // What the demo model is told to fail with is to arrive, not to be tried again.
    return new ProviderWithDefaults(wrap(new DemoChat({ deltaMs: resolved.deltaMs })), model, settings);
  }
  const transport = options.fetch ? { fetch: options.fetch } : {};
  const retrying = new RetryingProvider(createOnce(resolved, transport), resolved.retry);
  return new ProviderWithDefaults(wrap(retrying), model, settings);
}

function createOnce(settings: ResolvedSettings, transport: { fetch?: Fetch }): ChatProvider {
  if (settings.provider === "anthropic") return new AnthropicMessages(settings, transport);
  const { api = "chat" } = settings;
  if (api === "responses") return new OpenAIResponses(settings, transport);
  if (api === "chat") return new OpenAIChat(settings, transport);
  throw new GeppettoError("ConfigError", `Cannot use api "${String(api)}": it must be "chat" or "responses"`);
}

/** An embedding provider with a cache; instant, as {@link createChatProvider} is. Anthropic has none: that is a `ConfigError`. */
export function createEmbeddingProvider(settings: ModelSettings, options: CreateProviderOptions): EmbeddingProvider {
  const resolved = resolveProviderSettings(settings, options.env);
  const { baseURL = "", dimensions = 0, cacheEntries: entries, cacheFolder: folder } = resolved;
  const { budget, wrapEmbeddings = (cached) => cached } = options;
  const limitless = createUncached(resolved, options);
  // The embedded model costs nothing but time.
  const isFree = budget === undefined || resolved.provider === "embedded";
  const provider = isFree ? limitless : new BudgetedEmbeddings(limitless, budget, resolved.prices);
  return wrapEmbeddings(new CachedEmbeddings(provider, { scope: `${baseURL} ${dimensions}`, entries, folder }));
}

function createUncached(resolved: ResolvedSettings, options: CreateProviderOptions): EmbeddingProvider {
  if (resolved.provider === "openai")
    return new OpenAIEmbeddings(resolved, options.fetch ? { fetch: options.fetch } : {});
  if (resolved.provider === "anthropic") {
    throw new GeppettoError(
      "ConfigError",
      "Cannot make embeddings: anthropic has no embedding models, use openai or embedded",
      {
        code: "ERR_NO_EMBEDDINGS",
      },
    );
  }
  const embedded = new EmbeddedEmbeddings();
  const { name, dimensions } = embedded.model();
  if ((resolved.model ?? name) !== name || (resolved.dimensions ?? dimensions) !== dimensions) {
    options.warn?.(`Using ${name} with ${dimensions} dimensions: the embedded provider has no other embedding model`);
  }
  return embedded;
}

class ProviderWithDefaults implements ChatProvider {
  readonly name: string;
  readonly #inner: ChatProvider;
  readonly #model: string;
  readonly #settings: ModelSettings;

  constructor(inner: ChatProvider, model: string, settings: ModelSettings) {
    this.name = inner.name;
    this.#inner = inner;
    this.#model = model;
    this.#settings = settings;
  }

  stream(request: ChatRequest, options: { signal: AbortSignal }): AsyncGenerator<ChatChunk, void, undefined> {
    const { temperature, maxTokens, topP, stop, seed, system } = this.#settings;
    const defaults = Object.fromEntries(
      Object.entries({ temperature, maxTokens, topP, stop, seed, system }).filter(([, value]) => value !== undefined),
    );
    return this.#inner.stream({ ...defaults, ...request, model: request.model || this.#model }, options);
  }
}
