import { GeppettoError } from "../shared/errors.ts";
import { AnthropicMessages } from "./anthropic/anthropic-messages.ts";
import { BudgetedChat } from "./cost/budgeted-chat.ts";
import type { ChatChunk, ChatProvider, ChatRequest, StreamOptions } from "./chat-provider.ts";
import type { CreateProviderOptions } from "./create-provider-options.ts";
import { DemoChat } from "./embedded/demo-chat.ts";
import { OpenAIChat } from "./openai/openai-chat.ts";
import { OpenAIResponses } from "./openai/openai-responses.ts";
import { RetryingProvider } from "./retrying-provider.ts";
import type { Fetch } from "./sdk/watched-fetch.ts";
import {
  type ChatModelSettings,
  checkModelSettings,
  hasOwnProvider,
  type ModelSettings,
  type OwnChatSettings,
  type ResolvedSettings,
  resolveProviderSettings,
} from "./settings.ts";
import { tracedChat } from "./traced/traced-chat.ts";
import { DEFAULT_CHAT_MODELS } from "./vendors.ts";

/**
 * A chat provider with retries and with the settings as defaults of every request. Instant: SDKs load with the first
 * stream, and a missing key is an error of that. Throws a `ConfigError` for an unknown provider.
 *
 * @example
 * createChatProvider({ provider: "embedded", deltaMs: 0 }, { env: {} }).name; // "embedded"
 */
export function createChatProvider(settings: ChatModelSettings, options: CreateProviderOptions): ChatProvider {
  if (hasOwnProvider(settings)) return createOwn(settings, options);
  return createVendors(settings as ModelSettings, options);
}

/** What the host gives, with everything around it that providers have which are made here. */
function createOwn(
  settings: OwnChatSettings,
  { wrap = (given) => given, budget }: CreateProviderOptions,
): ChatProvider {
  checkModelSettings(settings);
  const { provider: own, prices } = settings;
  const traced = tracedChat(wrap(own), { prices });
  const provider = new ProviderWithDefaults(traced, own.model, settings);
  return budget === undefined ? provider : new BudgetedChat(provider, budget, { model: own.model, prices });
}

function createVendors(settings: ModelSettings, options: CreateProviderOptions): ChatProvider {
  const resolved = resolveProviderSettings(settings, options.env);
  const provider = createUnlimited(resolved, settings, options);
  const { budget } = options;
  if (budget === undefined) return provider;
  const model = resolved.model || DEFAULT_CHAT_MODELS[resolved.provider];
  return new BudgetedChat(provider, budget, { model, prices: resolved.prices, isLocal: resolved.isLocal });
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
    return new ProviderWithDefaults(
      traced(wrap(new DemoChat({ deltaMs: resolved.deltaMs })), resolved),
      model,
      settings,
    );
  }
  const transport = options.fetch ? { fetch: options.fetch } : {};
  const retrying = new RetryingProvider(createOnce(resolved, transport), resolved.retry);
  return new ProviderWithDefaults(traced(wrap(retrying), resolved), model, settings);
}

function traced(provider: ChatProvider, { baseURL, prices, isLocal }: ResolvedSettings): ChatProvider {
  return tracedChat(provider, { baseURL, prices, isLocal });
}

function createOnce(settings: ResolvedSettings, transport: { fetch?: Fetch }): ChatProvider {
  if (settings.provider === "anthropic") return new AnthropicMessages(settings, transport);
  const { api = "chat" } = settings;
  if (api === "responses") return new OpenAIResponses(settings, transport);
  if (api === "chat") return new OpenAIChat(settings, transport);
  throw new GeppettoError("ConfigError", `Cannot use api "${String(api)}": it must be "chat" or "responses"`);
}

class ProviderWithDefaults implements ChatProvider {
  readonly name: string;
  readonly #inner: ChatProvider;
  readonly #model: string;
  readonly #settings: Omit<ModelSettings, "provider">;

  constructor(inner: ChatProvider, model: string, settings: Omit<ModelSettings, "provider">) {
    this.name = inner.name;
    this.#inner = inner;
    this.#model = model;
    this.#settings = settings;
  }

  stream(request: ChatRequest, options: StreamOptions): AsyncGenerator<ChatChunk, void, undefined> {
    const { temperature, maxTokens, topP, stop, seed, system, reasoning } = this.#settings;
    const given = { temperature, maxTokens, topP, stop, seed, system, reasoning };
    const defaults = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    return this.#inner.stream({ ...defaults, ...request, model: request.model || this.#model }, options);
  }
}
