import { GeppettoError } from "../shared/errors.ts";
import { BudgetedEmbeddings } from "./cost/budget.ts";
import type { CreateProviderOptions } from "./create-provider-options.ts";
import { EmbeddedEmbeddings } from "./embedded/embedded-embeddings.ts";
import { CachedEmbeddings } from "./embedding-cache.ts";
import type { EmbeddingProvider } from "./embedding-provider.ts";
import { OpenAIEmbeddings } from "./openai/openai-embeddings.ts";
import { type ModelSettings, type ResolvedSettings, resolveProviderSettings } from "./settings.ts";

/** An embedding provider with a cache; instant, as `createChatProvider` is. Anthropic has none: that is a `ConfigError`. */
export function createEmbeddingProvider(settings: ModelSettings, options: CreateProviderOptions): EmbeddingProvider {
  const resolved = resolveProviderSettings(settings, options.env);
  const { baseURL = "", dimensions = 0, cacheEntries: entries, cacheFolder: folder } = resolved;
  const { budget, wrapEmbeddings = (cached) => cached } = options;
  const limitless = createUncached(resolved, options);
  // The embedded model costs nothing but time.
  const isFree = budget === undefined || resolved.provider === "embedded";
  const provider = isFree ? limitless : new BudgetedEmbeddings(limitless, budget, resolved.prices, resolved);
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
