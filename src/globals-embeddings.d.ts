/** Vectors for texts. */
declare const embeddings: {
  /**
   * The model that is used.
   *
   * @example
   * const { name, dimensions } = embeddings.getModel();
   */
  getModel(): { name: string; dimensions: number };
  /**
   * The vector of a text. The script waits for it; its host does not.
   *
   * @example
   * embeddings.generateEmbedding("Hello").length === embeddings.getModel().dimensions; // → true
   */
  generateEmbedding(text: string): Float32Array;
  /**
   * The vector of a text.
   *
   * @example
   * const vector = await embeddings.generateEmbeddingAsync("Hello");
   */
  generateEmbeddingAsync(text: string, options?: SignalOption): Promise<Float32Array>;
  /**
   * The vectors of several texts, in one batch.
   *
   * @example
   * (await embeddings.generateEmbeddings(["one", "two"])).length; // → 2
   */
  generateEmbeddings(texts: readonly string[], options?: SignalOption): Promise<Float32Array[]>;
  /**
   * Calls one of the two back. Neither is called after `cancel()`, which it returns.
   *
   * @example
   * const cancel = embeddings.generateEmbeddingWithCallbacks("Hello", { onSuccess: (vector) => console.log(vector.length) });
   * cancel();
   */
  generateEmbeddingWithCallbacks(
    text: string,
    callbacks?: { onSuccess?: (embedding: Float32Array) => void; onError?: (error: RunError) => void },
  ): () => void;
  /**
   * How alike two vectors are: 1 is the same direction, 0 nothing in common.
   *
   * @example
   * embeddings.cosineSimilarity([1, 0], [2, 0]); // → 1
   */
  cosineSimilarity(a: ArrayLike<number>, b: ArrayLike<number>): number;
  /**
   * A step: a string gives one vector, an array one result for each element.
   *
   * @example
   * const vectors = await embeddings.createStep().startAsync(["one", "two"]);
   * vectors.length; // → 2
   */
  createStep(options?: { model?: string; dimensions?: number }): Step<string | readonly string[], Float32Array>;
};
