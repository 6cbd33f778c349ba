import type { CacheEntry, CacheStore } from "./cache-store.ts";
import { fromTagged, toTagged } from "../tagged-json.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

export interface MemoryCacheStoreOptions {
  /** Most entries; the one used least recently goes first. Default 1,000. */
  maxEntries?: number;
  /** Most memory that entries take, two bytes for each character of their JSON; likewise. Default 64 MB. */
  maxBytes?: number;
  /** How long an entry is served; default for ever. */
  maxAgeMs?: number;
}

interface Kept {
  text: string;
  at: number;
}

/** Keeps entries as long as the process lives. */
export class MemoryCacheStore implements CacheStore {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #maxAgeMs: number;
  #bytes = 0;
  /** In order of last use; as text, so that nobody changes an entry by changing a result. */
  readonly #entries = new Map<string, Kept>();

  constructor(options: MemoryCacheStoreOptions = {}) {
    refuseWrong("keep entries", options, {
      maxEntries: "amountOrNone",
      maxBytes: "amountOrNone",
      maxAgeMs: "amountOrNone",
    });
    const { maxEntries = 1000, maxBytes = 64_000_000, maxAgeMs = Infinity } = options;
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
    this.#maxAgeMs = maxAgeMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Promise<CacheEntry | undefined> {
    const found = this.#entries.get(key);
    this.#drop(key);
    if (found === undefined || Date.now() - found.at > this.#maxAgeMs) return Promise.resolve(undefined);
    this.#add(key, found);
    return Promise.resolve(fromTagged(JSON.parse(found.text)) as CacheEntry);
  }

  set(key: string, entry: CacheEntry): Promise<void> {
    this.#drop(key);
    const text = JSON.stringify(toTagged(entry));
    // One that is larger than all may be would put all others out.
    if (bytesOf(key, text) <= this.#maxBytes) this.#add(key, { text, at: Date.now() });
    while (this.#entries.size > this.#maxEntries || this.#bytes > this.#maxBytes) {
      this.#drop(this.#entries.keys().next().value!);
    }
    return Promise.resolve();
  }

  #add(key: string, kept: Kept): void {
    this.#entries.set(key, kept);
    this.#bytes += bytesOf(key, kept.text);
  }

  #drop(key: string): void {
    const kept = this.#entries.get(key);
    if (kept === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= bytesOf(key, kept.text);
  }
}

function bytesOf(key: string, text: string): number {
  return 2 * (key.length + text.length);
}
