import { AnthropicMessages } from "./anthropic-messages.ts";
import type { ChatChunk, ChatProvider, ChatRequest } from "./chat-provider.ts";
import { DemoChat } from "./demo-chat.ts";
import { EmbeddedEmbeddings } from "./embedded-embeddings.ts";
import type { EmbeddingProvider } from "./embedding-provider.ts";
import { OpenAIChat } from "./openai-chat.ts";
import { OpenAIEmbeddings } from "./openai-embeddings.ts";
import { RetryingProvider } from "./retrying-provider.ts";
import { type Environment, type ModelSettings, type ProviderName, resolveProviderSettings } from "./settings.ts";
import type { Fetch } from "./watched-fetch.ts";
import { GeppettoError } from "../shared/errors.ts";

export type * from "./chat-provider.ts";
export type { EmbeddingModel, EmbeddingProvider } from "./embedding-provider.ts";
export { type ChatInput, type ChatOptions, parseChatInput, parseChatOptions } from "./chat-input.ts";
export { DEMO_NOTICE } from "./demo-chat.ts";
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
export type { Fetch } from "./watched-fetch.ts";

export interface CreateProviderOptions {
  /** Where keys and base URLs come from that the settings do not have; usually `process.env`. */
  env: Environment;
  fetch?: Fetch;
  /** Told once when a setting is not honoured. */
  warn?: (text: string) => void;
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
  const model = resolved.model || DEFAULT_CHAT_MODELS[resolved.provider];
  if (resolved.provider === "embedded") {
    if (model !== "demo") options.warn?.(`Using embedded:demo: the embedded provider has no chat model "${model}"`);
    // What the demo model is told to fail with is to arrive, not to be tried again.
    return new ProviderWithDefaults(new DemoChat({ deltaMs: resolved.deltaMs }), model, settings);
  }
  const transport = options.fetch ? { fetch: options.fetch } : {};
  const once =
    resolved.provider === "openai" ? new OpenAIChat(resolved, transport) : new AnthropicMessages(resolved, transport);
  return new ProviderWithDefaults(new RetryingProvider(once, resolved.retry), model, settings);
}

/** An embedding provider; instant, as {@link createChatProvider} is. Anthropic has none: that is a `ConfigError`. */
export function createEmbeddingProvider(settings: ModelSettings, options: CreateProviderOptions): EmbeddingProvider {
  const resolved = resolveProviderSettings(settings, options.env);
  if (resolved.provider === "openai")
    return new OpenAIEmbeddings(resolved, options.fetch ? { fetch: options.fetch } : {});
  if (resolved.provider === "anthropic") {
    throw new GeppettoError("ConfigError", "Cannot make embeddings: anthropic offers none, use openai or embedded", {
      code: "ERR_NO_EMBEDDINGS",
    });
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
