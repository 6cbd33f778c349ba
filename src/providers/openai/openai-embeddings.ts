import type { EmbeddingModel, EmbeddingProvider, EmbedOptions } from "../embedding-provider.ts";
import { failureIn } from "../failures/failure-facts.ts";
import { brokenStream, toProviderError } from "../provider-error.ts";
import { waitForNextAttempt } from "../retry-policy.ts";
import { createOpenAIClient, errorOriginOf } from "../sdk/sdk-client.ts";
import { Semaphore } from "../../base/semaphore.ts";
import type { ResolvedSettings } from "../settings.ts";
import { listOf, recordOf } from "../input/unknown-fields.ts";
import { createStreamWatch, type Fetch } from "../sdk/watched-fetch.ts";
import { wellFormed } from "../sdk/well-formed.ts";

const DEFAULT_BATCH = 256;
const DEFAULT_CONCURRENCY = 4;
/** For a model of unknown size. */
const MAX_DIMENSIONS = 16_384;
/** A number with its comma, as text. */
const MAX_NUMBER_BYTES = 32;
/** For what stands around the numbers. */
const SLACK_BYTES = 1024 * 1024;
const KNOWN_DIMENSIONS: Record<string, number> = {
  "text-embedding-3-small": 1536,
  "text-embedding-3-large": 3072,
  "text-embedding-ada-002": 1536,
};

interface Batching {
  signal: AbortSignal;
  onRequest: EmbedOptions["onRequest"];
}

/** Embeddings from OpenAI or a compatible server: floats, in batches, some of them at once, three attempts each. */
export class OpenAIEmbeddings implements EmbeddingProvider {
  readonly name = "openai";
  readonly #settings: ResolvedSettings;
  readonly #fetch: Fetch | undefined;
  readonly #modelName: string;
  readonly #closing = new AbortController();
  readonly #places: Semaphore;
  #dimensions: number;

  constructor(settings: ResolvedSettings, options: { fetch?: Fetch } = {}) {
    this.#settings = settings;
    this.#fetch = options.fetch;
    this.#places = new Semaphore(settings.maxConcurrency ?? DEFAULT_CONCURRENCY);
    this.#modelName = settings.model || "text-embedding-3-small";
    this.#dimensions = settings.dimensions ?? KNOWN_DIMENSIONS[this.#modelName] ?? 0;
  }

  model(): EmbeddingModel {
    return { name: this.#modelName, dimensions: this.#dimensions };
  }

  async embed(texts: string[], { signal, onRequest }: EmbedOptions): Promise<Float32Array[]> {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, this.#closing.signal, failed.signal]);
    const size = this.#settings.batchSize ?? DEFAULT_BATCH;
    const batches = Array.from({ length: Math.ceil(texts.length / size) }, (_, index) =>
      texts.slice(index * size, (index + 1) * size).map((text) => text || " "),
    );
    const failures: unknown[] = [];
    const vectors = await Promise.all(
      batches.map(async (batch) => {
        try {
          const release = await this.#places.acquire(either);
          try {
            return await this.#embedBatch(batch, { signal: either, onRequest });
          } finally {
            release();
          }
        } catch (error) {
          // The first failure is the one that is told, and ends the other batches.
          failures.push(error);
          failed.abort(error);
          return [];
        }
      }),
    );
    if (failures.length > 0) throw failures[0];
    return vectors.flat();
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(new DOMException("The provider was closed", "AbortError"));
  }

  async #embedBatch(texts: string[], { signal, onRequest }: Batching): Promise<Float32Array[]> {
    for (let attempt = 1; ; attempt++) {
      onRequest?.(texts);
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
      body: "bytes",
      maxBytes: texts.length * (this.#dimensions || MAX_DIMENSIONS) * MAX_NUMBER_BYTES + SLACK_BYTES,
      ...(this.#fetch ? { fetch: this.#fetch } : {}),
    });
    try {
      const client = await createOpenAIClient(this.#settings, watch.fetch);
      const answer: unknown = await client.embeddings.create(
        {
          model: this.#modelName,
          // Some local servers take no list; one text works everywhere.
          input: wellFormed(texts.length === 1 ? texts[0]! : texts),
          encoding_format: "float",
          ...(dimensions === undefined ? {} : { dimensions }),
        },
        { signal },
      );
      signal.throwIfAborted();
      const failure = failureIn(answer, listOf(recordOf(answer)?.["data"]) !== undefined);
      if (failure !== undefined) throw { error: failure };
      return this.#readVectors(answer, texts.length);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof SyntaxError) throw brokenStream(this.name, "the answer is not JSON, or breaks off");
      throw toProviderError(error, errorOriginOf(this.#settings), watch);
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
        throw brokenStream(this.name, "an embedding is not a list of numbers");
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
      const vector = Float32Array.from(numbers);
      if (!vector.every(Number.isFinite))
        throw brokenStream(this.name, "an embedding holds numbers that are too large");
      vectors[index] = vector;
    }
    return vectors as Float32Array[];
  }
}
