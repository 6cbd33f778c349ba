import { GeppettoError } from "../shared/errors.ts";
import { refuseWrong } from "../shared/wrong-option.ts";
import type { Budget } from "./cost/budget.ts";
import { BudgetedEmbeddings, FreeEmbeddings } from "./cost/budgeted-embeddings.ts";
import { CREATE_FIELDS, type CreateProviderOptions } from "./create-provider-options.ts";
import { EmbeddedEmbeddings } from "./embedded/embedded-embeddings.ts";
import { CachedEmbeddings } from "./embedding-cache.ts";
import { tracedEmbeddings } from "./traced/traced-embeddings.ts";
import type { EmbeddingProvider } from "./embedding-provider.ts";
import { OpenAIEmbeddings } from "./openai/openai-embeddings.ts";
import { type ModelSettings, type ResolvedSettings, resolveProviderSettings } from "./settings.ts";

/** An embedding provider with a cache; instant, as `createChatProvider` is. Anthropic has none: that is a `ConfigError`. */
export function createEmbeddingProvider(settings: ModelSettings, options: CreateProviderOptions): EmbeddingProvider {
  refuseWrong("make embeddings", options, CREATE_FIELDS);
  const resolved = resolveProviderSettings(settings, options.env);
  const { baseURL, dimensions = 0, cacheEntries: entries, cacheFolder: folder } = resolved;
  const { budget, wrapEmbeddings = (cached) => cached } = options;
  const limitless = tracedEmbeddings(createUncached(resolved, options), { baseURL });
  const provider = budget === undefined ? limitless : counted(limitless, budget, resolved);
  return wrapEmbeddings(new CachedEmbeddings(provider, { scope: `${baseURL ?? ""} ${dimensions}`, entries, folder }));
}

function counted(provider: EmbeddingProvider, budget: Budget, resolved: ResolvedSettings): EmbeddingProvider {
  return resolved.provider === "embedded"
    ? new FreeEmbeddings(provider, budget)
    : new BudgetedEmbeddings(provider, budget, resolved.prices, resolved);
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
