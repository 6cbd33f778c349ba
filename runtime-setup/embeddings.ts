import { askOutside } from "../src/base/calls/outside.ts";
import { OPS } from "../src/shared/contract/ops.ts";
import type { SetupFunction } from "../src/engine/engine.ts";
import { parseFields } from "../src/engine/guest-messages.ts";
import { requireBudget, type Budget } from "../src/providers/cost/budget.ts";
import type { CreateProviderOptions } from "../src/providers/create-provider-options.ts";
import { createEmbeddingProvider } from "../src/providers/create-embedding-provider.ts";
import type { EmbeddingProvider } from "../src/providers/embedding-provider.ts";
import {
  type ChatModelSettings,
  checkModelSettings,
  type Environment,
  type ModelSettings,
  resolveProviderSettings,
} from "../src/providers/settings.ts";
import { joinBudgets } from "../src/providers/cost/joint-budget.ts";
import { hashParts } from "../src/recordings/cache/hash-parts.ts";
import { GeppettoError } from "../src/shared/errors.ts";
import type { EventMeta } from "../src/shared/step-events.ts";
import { refuseWrong, type FieldsOf } from "../src/shared/wrong-option.ts";
import type { StepContext } from "../src/steps/step.ts";

/** What chat and embeddings are set up with. Keys stay on the host. */
export interface ProviderSettings {
  /** Default: the embedded demo model. */
  chat?: ChatModelSettings;
  /** Default: the embedded sentence model. */
  embeddings?: ModelSettings;
  /** Where keys and base URLs come from that the settings do not have; default `process.env`. */
  env?: Environment;
  /** What all calls to models together may cost; default any amount. */
  budget?: Budget;
  /** Put around every provider of embeddings, outside of its cache. */
  wrapEmbeddings?: (provider: EmbeddingProvider) => EmbeddingProvider;
  /** Hears what a user should know, for example that the demo model is not an LLM. Default: nobody. */
  onNotice?: (text: string) => void;
}

export const PROVIDER_FIELDS: FieldsOf<ProviderSettings> = {
  chat: true,
  embeddings: true,
  env: true,
  budget: true,
  wrapEmbeddings: true,
  onNotice: true,
};

/** Most texts in one batch. */
const MAX_TEXTS = 10_000;

/** Most models that scripts of one engine may ask for. */
const MAX_MODELS = 16;

/** The host's provider, and those that scripts ask for by model and dimensions: made once each, closed with the engine. */
class EmbeddingProviders {
  readonly #settings: ModelSettings;
  readonly #options: CreateProviderOptions;
  readonly #providers = new Map<string, EmbeddingProvider>();

  constructor(settings: ModelSettings, options: CreateProviderOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#make("", settings);
  }

  get own(): EmbeddingProvider {
    return this.#providers.get("")!;
  }

  /** The provider for what a script asks for; the host's own where it asks for nothing, or has but one model. */
  chosen({ model, dimensions }: { model?: string; dimensions?: number }): EmbeddingProvider {
    if (model === undefined && dimensions === undefined) return this.own;
    const own = this.own.model();
    const isSame = (model ?? own.name) === own.name && (dimensions ?? own.dimensions) === own.dimensions;
    if (isSame) return this.own;
    // Whatever else is asked of the embedded provider: it has one model, and says so once.
    const key = this.own.name === "embedded" ? "another" : JSON.stringify([model, dimensions]);
    const known = this.#providers.get(key);
    if (known !== undefined) return known;
    if (this.#providers.size > MAX_MODELS) {
      const what = `"${model ?? own.name}"${dimensions === undefined ? "" : ` with ${dimensions} dimensions`}`;
      throw new GeppettoError(
        "LimitError",
        `Cannot use the embedding model ${what}: ${MAX_MODELS} others are in use already`,
      );
    }
    const asked = { ...this.#settings, ...(model ? { model } : {}), ...(dimensions ? { dimensions } : {}) };
    return this.#make(key, asked);
  }

  async close(): Promise<void> {
    await Promise.all([...new Set(this.#providers.values())].map((provider) => provider.close()));
  }

  #make(key: string, settings: ModelSettings): EmbeddingProvider {
    // Made even where the host's own is used after all: it tells the user that it does not have what was asked for.
    const made = createEmbeddingProvider(settings, this.#options);
    const provider = key !== "" && made.name === "embedded" ? this.own : made;
    this.#providers.set(key, provider);
    return provider;
  }
}

function parseChoice(args: unknown): { model?: string; dimensions?: number } {
  const { model, dimensions } = parseFields(args);
  return {
    ...(typeof model === "string" ? { model } : {}),
    ...(typeof dimensions === "number" && Number.isInteger(dimensions) && dimensions > 0 ? { dimensions } : {}),
  };
}

function parseTexts(args: unknown): string[] {
  const { texts } = parseFields(args);
  if (!Array.isArray(texts) || texts.length > MAX_TEXTS || !texts.every((text) => typeof text === "string")) {
    throw new GeppettoError("ValidationError", `Cannot embed the texts: expected at most ${MAX_TEXTS} strings`);
  }
  return texts;
}

/** `embeddings`: vectors for texts. */
export function setupEmbeddings(settings: ProviderSettings = {}): SetupFunction {
  refuseWrong("set up embeddings", settings, PROVIDER_FIELDS);
  requireBudget("set up embeddings", settings.budget);
  if (settings.embeddings !== undefined) checkModelSettings(settings.embeddings);
  return function embeddings(vm, engine) {
    const { embeddings: model = { provider: "embedded" }, env = process.env, onNotice, wrapEmbeddings } = settings;
    const budget = joinBudgets(settings.budget, engine.budget);
    const providers = new EmbeddingProviders(model, {
      env,
      ...(onNotice ? { warn: onNotice } : {}),
      ...(budget ? { budget } : {}),
      ...(wrapEmbeddings ? { wrapEmbeddings } : {}),
    });
    engine.onClose(() => providers.close());
    async function* embed(args: unknown, { signal, meta }: StepContext): AsyncGenerator<Float32Array> {
      const texts = parseTexts(args);
      const provider = providers.chosen(parseChoice(args));
      meta.engine = provider.model().name;
      const asked = { name: meta.engine, effect: "none", signal } as const;
      if (texts.length > 0) yield* await askOutside(asked, () => provider.embed(texts, { signal }));
    }
    const metaFor = (args: unknown): Partial<EventMeta> => {
      try {
        return { engine: providers.chosen(parseChoice(args)).model().name };
      } catch {
        // Where there is no provider the run says why, unless it is served from a cache.
        return {};
      }
    };
    // What the host has set counts too, for those who keep vectors longer than it does.
    const { baseURL = "", dimensions = 0, provider: name, model: own = "" } = resolveProviderSettings(model, env);
    const cacheKey = async (input: unknown, key?: string): Promise<string> => {
      const { model: asked = "", dimensions: wanted = dimensions } = parseChoice(input);
      const given = key === undefined ? ["texts", ...parseTexts(input)] : ["key", key];
      return hashParts(["embedding", name, baseURL, own, asked, String(wanted), ...given]);
    };
    const outputType = "Float32Array";
    vm.host.registerStep("embedding", {
      info: { type: "embedding", inputType: "string", outputType, kind: "single" },
      run: embed,
      metaFor,
      cacheKey,
    });
    vm.host.registerStep("embeddings", {
      info: { type: "embedding", inputType: "string[]", outputType, kind: "list" },
      run: embed,
      metaFor,
      cacheKey,
    });
    vm.host.setOp(OPS.embedding_model, () => providers.own.model());
    vm.host.setOp(OPS.embedding_generate, (args, { signal }) => {
      const texts = parseTexts(args);
      const asked = { name: "embeddings", effect: "none", signal } as const;
      return texts.length === 0 ? [] : askOutside(asked, () => providers.own.embed(texts, { signal }));
    });
    vm.host.later(vm.install("embeddings"));
  };
}
