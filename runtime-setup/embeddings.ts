import type { SetupFunction } from "../src/engine/engine.ts";
import { parseFields } from "../src/engine/guest-messages.ts";
import { createEmbeddingProvider, type Environment, type ModelSettings } from "../src/providers/index.ts";
import { GeppettoError } from "../src/shared/errors.ts";

/** What chat and embeddings are set up with. Keys stay on the host. */
export interface ProviderSettings {
  /** Default: the embedded demo model. */
  chat?: ModelSettings;
  /** Default: the embedded sentence model. */
  embeddings?: ModelSettings;
  /** Where keys and base URLs come from that the settings do not have; default `process.env`. */
  env?: Environment;
  /** Hears what a user should know, for example that the demo model is none. Default: nobody. */
  onNotice?: (text: string) => void;
}

/** Most texts in one batch. */
const MAX_TEXTS = 10_000;

function parseTexts(args: unknown): string[] {
  const { texts } = parseFields(args);
  if (!Array.isArray(texts) || texts.length > MAX_TEXTS || !texts.every((text) => typeof text === "string")) {
    throw new GeppettoError("ValidationError", `Cannot embed the texts: expected at most ${MAX_TEXTS} strings`);
  }
  return texts;
}

/** `embeddings`: vectors for texts. */
export function setupEmbeddings(settings: ProviderSettings = {}): SetupFunction {
  return async function embeddings(vm, engine) {
    const { embeddings: model = { provider: "embedded" }, env = process.env, onNotice } = settings;
    const provider = createEmbeddingProvider(model, { env, ...(onNotice ? { warn: onNotice } : {}) });
    engine.onClose(() => provider.close());
    vm.host.setOp("embedding_model", () => provider.model(), { mode: "sync" });
    vm.host.setOp("embedding_generate", (args, { signal }) => {
      const texts = parseTexts(args);
      return texts.length === 0 ? [] : provider.embed(texts, { signal });
    });
    await vm.install("embeddings");
  };
}
