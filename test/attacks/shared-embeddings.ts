import { createEmbeddingProvider, type EmbeddingProvider } from "../../src/index.ts";

const model = createEmbeddingProvider({ provider: "embedded" }, { env: {} });

/** One model for all engines of this process: to load it takes longer than most scripts. It ends with the process. */
export function sharedEmbeddings(): EmbeddingProvider {
  return {
    name: model.name,
    model: () => model.model(),
    embed: (texts, options) => model.embed(texts, options),
    close: async () => {},
  };
}

/** Loads the model. */
export async function loadEmbeddings(): Promise<void> {
  await model.embed(["warm"], { signal: new AbortController().signal });
}
