import type { CacheEntry, CacheStore } from "./cache-store.ts";
import { fromTagged, toTagged } from "./tagged-json.ts";

export interface MemoryCacheStoreOptions {
  /** Most entries; the one used least recently goes first. Default 1,000. */
  maxEntries?: number;
  /** How long an entry is served; default for ever. */
  maxAgeMs?: number;
}

/** Keeps entries as long as the process lives. */
export class MemoryCacheStore implements CacheStore {
  readonly #maxEntries: number;
  readonly #maxAgeMs: number;
  /** In order of last use; as text, so that nobody changes an entry by changing a result. */
  readonly #entries = new Map<string, { text: string; at: number }>();

  constructor({ maxEntries = 1000, maxAgeMs = Infinity }: MemoryCacheStoreOptions = {}) {
    this.#maxEntries = maxEntries;
    this.#maxAgeMs = maxAgeMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Promise<CacheEntry | undefined> {
    const found = this.#entries.get(key);
    this.#entries.delete(key);
    if (found === undefined || Date.now() - found.at > this.#maxAgeMs) return Promise.resolve(undefined);
    this.#entries.set(key, found);
    return Promise.resolve(fromTagged(JSON.parse(found.text)) as CacheEntry);
  }

  set(key: string, entry: CacheEntry): Promise<void> {
    this.#entries.delete(key);
    this.#entries.set(key, { text: JSON.stringify(toTagged(entry)), at: Date.now() });
    if (this.#entries.size > this.#maxEntries) this.#entries.delete(this.#entries.keys().next().value!);
    return Promise.resolve();
  }
}
