import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { EmbeddingModel, EmbeddingProvider } from "./embedding-provider.ts";
import { makeFolder } from "../base/files/make-folder.ts";

export interface EmbeddingCacheOptions {
  /** What tells the vectors of this provider from those of others: its address and settings. */
  scope: string;
  /** Vectors kept in memory, the least used forgotten first; default 1,000, 0 for none. */
  entries?: number | undefined;
  /** Where vectors are kept on disk, one file each; default nowhere. */
  folder?: string | undefined;
}

const DEFAULT_ENTRIES = 1000;
/** Most files that the folder may hold. */
const MAX_FILES = 100_000;

/**
 * Remembers the vectors of texts, in memory and, where asked, on disk: a text is sent to the provider once, however
 * often it is asked for, and however often in one call. A file that cannot be read or written is as good as none.
 * Whoever asks gets a copy.
 */
export class CachedEmbeddings implements EmbeddingProvider {
  readonly name: string;
  readonly #inner: EmbeddingProvider;
  readonly #options: EmbeddingCacheOptions;
  readonly #entries: number;
  readonly #memory = new Map<string, Float32Array>();
  #files: Promise<number> | undefined;
  #dimensions = 0;
  #closed = false;

  constructor(inner: EmbeddingProvider, options: EmbeddingCacheOptions) {
    this.name = inner.name;
    this.#inner = inner;
    this.#options = options;
    this.#entries = options.entries ?? DEFAULT_ENTRIES;
  }

  model(): EmbeddingModel {
    const model = this.#inner.model();
    return { ...model, dimensions: model.dimensions || this.#dimensions };
  }

  async embed(texts: string[], { signal }: { signal: AbortSignal }): Promise<Float32Array[]> {
    signal.throwIfAborted();
    if (this.#closed) return this.#inner.embed(texts, { signal });
    const found = new Map<string, Float32Array | undefined>();
    for (const text of texts) if (!found.has(text)) found.set(text, await this.#find(text));
    if (this.#closed) throw new DOMException("The provider was closed", "AbortError");
    const missing = [...found.keys()].filter((text) => found.get(text) === undefined);
    if (missing.length > 0) {
      const vectors = await this.#inner.embed(missing, { signal });
      for (const [index, text] of missing.entries()) {
        found.set(text, vectors[index]);
        await this.#keep(text, vectors[index]!);
      }
    }
    return texts.map((text) => found.get(text)!.slice());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#memory.clear();
    await this.#inner.close();
  }

  async #find(text: string): Promise<Float32Array | undefined> {
    const key = this.#key(text);
    const known = this.#memory.get(key);
    if (known !== undefined) {
      this.#remember(key, known);
      return known;
    }
    const vector = await this.#read(key);
    if (vector !== undefined) this.#remember(key, vector);
    return vector;
  }

  async #keep(text: string, vector: Float32Array): Promise<void> {
    const key = this.#key(text);
    this.#remember(key, vector.slice());
    await this.#write(key, vector);
  }

  /** The end of a Map is its youngest. */
  #remember(key: string, vector: Float32Array): void {
    this.#dimensions = vector.length;
    if (this.#entries === 0) return;
    this.#memory.delete(key);
    this.#memory.set(key, vector);
    if (this.#memory.size > this.#entries) this.#memory.delete(this.#memory.keys().next().value!);
  }

  #key(text: string): string {
    const { name } = this.#inner.model();
    return createHash("sha256")
      .update(JSON.stringify([this.name, this.#options.scope, name, text]))
      .digest("hex");
  }

  async #read(key: string): Promise<Float32Array | undefined> {
    const { folder } = this.#options;
    if (folder === undefined) return undefined;
    try {
      const bytes = await readFile(join(folder, `${key}.f32`));
      const wanted = this.model().dimensions;
      if (bytes.length === 0 || bytes.length % 4 !== 0 || (wanted > 0 && bytes.length !== wanted * 4)) return undefined;
      return Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
    } catch {
      return undefined;
    }
  }

  async #write(key: string, vector: Float32Array): Promise<void> {
    const { folder } = this.#options;
    if (folder === undefined) return;
    const draft = join(folder, `${key}.${randomUUID()}.tmp`);
    try {
      makeFolder(folder, { mode: 0o700 });
      const count = await (this.#files ??= readdir(folder).then((files) => files.length));
      if (count >= MAX_FILES) return;
      const bytes = Buffer.alloc(vector.length * 4);
      for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
      await writeFile(draft, bytes, { mode: 0o600 });
      // Whole or not at all, whoever else writes the same.
      await rename(draft, join(folder, `${key}.f32`));
      this.#files = Promise.resolve(count + 1);
    } catch {
      await rm(draft, { force: true }).catch(() => {});
    }
  }
}
