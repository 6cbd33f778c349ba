export interface EmbeddingModel {
  name: string;
  /** Length of every vector; 0 while a model of unknown size has not answered yet. */
  dimensions: number;
}

export interface EmbedOptions {
  signal: AbortSignal;
  /** Called before each request to a server, those that are made again too; where it throws it is not made. */
  onRequest?: (texts: readonly string[]) => void;
}

/**
 * Turns texts into vectors: one per text, in their order, all of `model().dimensions` numbers. An empty text counts
 * as a single space, since models refuse it. `embed()` rejects with a `ProviderError`, a `ConfigError`, or the
 * signal's reason. `close()` is idempotent and rejects what is under way.
 */
export interface EmbeddingProvider {
  readonly name: string;
  model(): EmbeddingModel;
  embed(texts: string[], options: EmbedOptions): Promise<Float32Array[]>;
  close(): Promise<void>;
}
