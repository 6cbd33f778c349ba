import type { EmbeddingModel, EmbeddingProvider } from "./embedding-provider.ts";
import { brokenStream, toProviderError } from "./provider-error.ts";
import { waitForNextAttempt } from "./retry-policy.ts";
import { createOpenAIClient, errorOriginOf } from "./sdk-client.ts";
import type { ResolvedSettings } from "./settings.ts";
import { listOf, recordOf } from "./unknown-fields.ts";
import { createStreamWatch, type Fetch } from "./watched-fetch.ts";

const MAX_BATCH = 256;
const KNOWN_DIMENSIONS: Record<string, number> = {
  "text-embedding-3-small": 1536,
  "text-embedding-3-large": 3072,
  "text-embedding-ada-002": 1536,
};

/** Embeddings from OpenAI or a compatible server: floats, at most 256 texts a request, three attempts each. */
export class OpenAIEmbeddings implements EmbeddingProvider {
  readonly name = "openai";
  readonly #settings: ResolvedSettings;
  readonly #fetch: Fetch | undefined;
  readonly #modelName: string;
  readonly #closing = new AbortController();
  #dimensions: number;

  constructor(settings: ResolvedSettings, options: { fetch?: Fetch } = {}) {
    this.#settings = settings;
    this.#fetch = options.fetch;
    this.#modelName = settings.model || "text-embedding-3-small";
    this.#dimensions = settings.dimensions ?? KNOWN_DIMENSIONS[this.#modelName] ?? 0;
  }

  model(): EmbeddingModel {
    return { name: this.#modelName, dimensions: this.#dimensions };
  }

  async embed(texts: string[], { signal }: { signal: AbortSignal }): Promise<Float32Array[]> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const vectors: Float32Array[] = [];
    for (let start = 0; start < texts.length; start += MAX_BATCH) {
      const batch = texts.slice(start, start + MAX_BATCH).map((text) => text || " ");
      vectors.push(...(await this.#embedBatch(batch, either)));
    }
    return vectors;
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(new DOMException("The provider was closed", "AbortError"));
  }

  async #embedBatch(texts: string[], signal: AbortSignal): Promise<Float32Array[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#request(texts, signal);
      } catch (error) {
        await waitForNextAttempt(error, attempt, this.#settings.retry ?? {}, signal);
      }
    }
  }

  async #request(texts: string[], signal: AbortSignal): Promise<Float32Array[]> {
    signal.throwIfAborted();
    const { idleTimeoutMs, dimensions } = this.#settings;
    const watch = createStreamWatch({
      provider: this.name,
      idleTimeoutMs,
      ...(this.#fetch ? { fetch: this.#fetch } : {}),
    });
    try {
      const client = await createOpenAIClient(this.#settings, watch.fetch);
      const answer: unknown = await client.embeddings.create(
        {
          model: this.#modelName,
          // Some local servers take no list; one text works everywhere.
          input: texts.length === 1 ? texts[0]! : texts,
          encoding_format: "float",
          ...(dimensions === undefined ? {} : { dimensions }),
        },
        { signal },
      );
      signal.throwIfAborted();
      const failure = recordOf(answer)?.["error"];
      if (failure) throw { error: failure };
      return this.#readVectors(answer, texts.length);
    } catch (error) {
      throw signal.aborted ? signal.reason : toProviderError(error, errorOriginOf(this.#settings));
    }
  }

  #readVectors(answer: unknown, wanted: number): Float32Array[] {
    const items = listOf(recordOf(answer)?.["data"]);
    if (!items) throw brokenStream(this.name, "the answer holds no embeddings");
    if (items.length !== wanted) {
      throw brokenStream(this.name, `the answer holds ${items.length} embeddings: ${wanted} were asked for`);
    }
    const vectors: (Float32Array | undefined)[] = Array.from({ length: wanted });
    for (const [position, item] of items.entries()) {
      const record = recordOf(item);
      const index = record?.["index"] ?? position;
      const numbers = listOf(record?.["embedding"]);
      if (!numbers?.length || !numbers.every((value) => typeof value === "number")) {
        throw brokenStream(this.name, "an embedding is no list of numbers");
      }
      this.#dimensions ||= numbers.length;
      if (numbers.length !== this.#dimensions) {
        throw brokenStream(
          this.name,
          `an embedding has ${numbers.length} numbers: ${this.#dimensions} were expected of ${this.#modelName}`,
        );
      }
      if (typeof index !== "number" || !(index in vectors) || vectors[index]) {
        throw brokenStream(this.name, "the embeddings are not numbered in order");
      }
      vectors[index] = Float32Array.from(numbers);
    }
    return vectors as Float32Array[];
  }
}
