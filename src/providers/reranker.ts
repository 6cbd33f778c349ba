import type { EmbeddingProvider } from "./embedding-provider.ts";

export interface RankedDocument {
  /** Its place in the list that was given. */
  index: number;
  /** The higher the better; what it means is the reranker's own. */
  score: number;
}

export interface RankOptions {
  signal?: AbortSignal;
  /** How many are wanted; default all. */
  topN?: number;
}

/** Orders documents by how well they answer a query, the best first; documents that score the same keep their order. */
export interface Reranker {
  rank(query: string, documents: readonly string[], options?: RankOptions): Promise<RankedDocument[]>;
}

/**
 * Ranks by the similarity of embeddings, from -1 to 1.
 *
 * @example
 * const reranker = new EmbeddingReranker(createEmbeddingProvider({ provider: "embedded" }, { env: {} }));
 */
export class EmbeddingReranker implements Reranker {
  readonly #provider: EmbeddingProvider;

  constructor(provider: EmbeddingProvider) {
    this.#provider = provider;
  }

  async rank(query: string, documents: readonly string[], options: RankOptions = {}): Promise<RankedDocument[]> {
    const { signal = new AbortController().signal, topN = documents.length } = options;
    if (documents.length === 0) return [];
    const [asked, ...vectors] = await this.#provider.embed([query, ...documents], { signal });
    return vectors
      .map((vector, index) => ({ index, score: cosineSimilarity(asked!, vector) }))
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, topN);
  }
}

/** The cosine of the angle between two vectors; 0 where one has no direction. */
export function cosineSimilarity(a: Float32Array, b: Float32Array): number {
  let [dot, normA, normB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    normA += a[i]! ** 2;
    normB += b[i]! ** 2;
  }
  return normA === 0 || normB === 0 ? 0 : dot / Math.sqrt(normA * normB);
}
