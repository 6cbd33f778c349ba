import { resolve } from "node:path";
import { type Journal, type KeyValueStore, MemoryJournal, SqliteJournal } from "../../index.ts";
import type { SessionScript } from "../session/session-script.ts";
import { executionsFile } from "../session/run-log-file.ts";

export interface ScriptStoreOptions {
  profile: string | undefined;
  isUntrusted: boolean;
  /** The next run is to find nothing: it is to be the same as this one. */
  isFresh: boolean;
  /** The one that is open already. */
  journal: Journal | undefined;
}

const UNTRUSTED_LIMITS = { keyChars: 512, valueChars: 100_000, keys: 100, chars: 1_000_000 };

/** What a script keeps for its next run, by its file and the profile. The journal is opened with the first use. */
export class ScriptStore implements KeyValueStore, AsyncDisposable {
  readonly #name: string;
  readonly #given: Journal | undefined;
  readonly #own: () => Journal | Promise<Journal>;
  #opening: Promise<Journal> | undefined;

  constructor({ folder, label }: SessionScript, { profile, isUntrusted, isFresh, journal }: ScriptStoreOptions) {
    const isKept = folder !== undefined && !isUntrusted && !isFresh;
    this.#name = JSON.stringify([resolve(folder ?? "", label), profile ?? ""]);
    this.#given = isKept ? journal : undefined;
    const limits = isUntrusted ? { values: UNTRUSTED_LIMITS } : {};
    this.#own = () => (isKept ? SqliteJournal.open(executionsFile()) : new MemoryJournal({ limits }));
  }

  async get(key: string): Promise<unknown> {
    return (await this.#store()).get(key);
  }

  async set(key: string, value: unknown): Promise<void> {
    await (await this.#store()).set(key, value);
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#store()).delete(key);
  }

  async list(prefix?: string): Promise<string[]> {
    return (await this.#store()).list(prefix);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Where it could not be opened the script has heard of it.
    const journal = await this.#opening?.catch(() => undefined);
    await journal?.close();
  }

  async #store(): Promise<KeyValueStore> {
    if (this.#given !== undefined) return this.#given.store(this.#name);
    this.#opening ??= Promise.resolve(this.#own());
    return (await this.#opening).store(this.#name);
  }
}
