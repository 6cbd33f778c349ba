import type { Budget } from "./cost/budget.ts";
import type { ChatProvider } from "./chat-provider.ts";
import type { EmbeddingProvider } from "./embedding-provider.ts";
import type { Fetch } from "./sdk/watched-fetch.ts";
import type { Environment } from "./settings.ts";
import type { FieldsOf } from "../shared/wrong-option.ts";

/** What every provider is made with, beside its settings. */
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

export const CREATE_FIELDS: FieldsOf<CreateProviderOptions> = {
  env: true,
  fetch: true,
  budget: true,
  warn: true,
  wrap: true,
  wrapEmbeddings: true,
};
