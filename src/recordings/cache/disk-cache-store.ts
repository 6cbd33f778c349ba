import { createHash } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { toLogger, type Logger } from "../../base/logger.ts";
import { readRegularFile } from "../../base/read-regular-file.ts";
import { isOldPartial, replaceFile } from "../../base/replace-file.ts";
import type { CacheEntry, CacheStore } from "./cache-store.ts";
import { reasonOf, quarantineFile } from "../quarantine-file.ts";
import { canonicalJson, fromTagged, toTagged } from "../tagged-json.ts";
import { makeFolder } from "../../base/files/make-folder.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

export interface DiskCacheStoreOptions {
  /** Most entries; the oldest go first. Default 10,000. */
  maxEntries?: number;
  /** How long an entry is served and kept; default for ever. */
  maxAgeMs?: number;
  logger?: Logger;
}

const FORMAT = "geppetto-cache/1";
const SWEEP_EVERY = 100;
/** Largest file of an entry; there is nothing to be gained by keeping more. */
const MAX_BYTES = 64_000_000;

interface CacheFile {
  format: string;
  key: string;
  /** SHA-256 of the entry. */
  checksum: string;
  entry: unknown;
}

/**
 * Keeps entries in a folder, one readable file each, for as many processes as use it. A file that is damaged is set
 * aside with a warning and is never served; where nothing can be written there is one warning, and no entries.
 */
export class DiskCacheStore implements CacheStore {
  readonly #folder: string;
  readonly #maxEntries: number;
  readonly #maxAgeMs: number;
  readonly #logger: Logger;
  readonly #warned = new Set<string>();
  #writes = 0;

  constructor(folder: string, options: DiskCacheStoreOptions = {}) {
    refuseWrong("keep entries", options, { maxEntries: "amountOrNone", maxAgeMs: "amountOrNone", logger: true });
    const { maxEntries = 10_000, maxAgeMs = Infinity, logger } = options;
    this.#folder = folder;
    this.#maxEntries = maxEntries;
    this.#maxAgeMs = maxAgeMs;
    this.#logger = toLogger(logger);
  }

  async get(key: string): Promise<CacheEntry | undefined> {
    const file = this.#fileOf(key);
    let text: string | undefined;
    try {
      if (Date.now() - (await stat(file)).mtimeMs > this.#maxAgeMs) return undefined;
      text = readRegularFile(file, { maxBytes: MAX_BYTES });
    } catch (error) {
      if (reasonOf(error) !== "ENOENT") this.#warn("read", error);
      return undefined;
    }
    if (text === undefined) return undefined;
    try {
      return parseFile(text, key);
    } catch (error) {
      await quarantineFile(file, (error as Error).message, this.#logger);
      return undefined;
    }
  }

  async set(key: string, entry: CacheEntry): Promise<void> {
    try {
      const form = toTagged(entry);
      const content: CacheFile = { format: FORMAT, key, checksum: checksumOf(form), entry: form };
      makeFolder(this.#folder, { mode: 0o700 });
      await replaceFile(this.#fileOf(key), `${JSON.stringify(content, null, 2)}\n`);
      if (this.#writes++ % SWEEP_EVERY === 0) await this.sweep();
    } catch (error) {
      this.#warn("write", error);
    }
  }

  /** Removes what is too old or too much, and what writers that were killed left. Happens every hundred writes too. */
  async sweep(): Promise<void> {
    const files: { file: string; at: number }[] = [];
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const file = join(this.#folder, name);
      const at = (await stat(file).catch(() => undefined))?.mtimeMs;
      if (at === undefined) continue;
      if (await isOldPartial(file)) await rm(file, { force: true });
      else if (/^[0-9a-f]{64}\.json$/.test(name)) files.push({ file, at });
    }
    files.sort((a, b) => b.at - a.at);
    const oldest = Date.now() - this.#maxAgeMs;
    for (const [index, { file, at }] of files.entries()) {
      if (index >= this.#maxEntries || at < oldest) await rm(file, { force: true }).catch(() => {});
    }
  }

  #fileOf(key: string): string {
    return join(this.#folder, `${key}.json`);
  }

  #warn(what: "read" | "write", error: unknown): void {
    const reason = reasonOf(error);
    if (this.#warned.has(what + reason)) return;
    this.#warned.add(what + reason);
    this.#logger.warn(`Continuing without the cache ${basename(this.#folder)}: cannot ${what} it: ${reason}`);
  }
}

function parseFile(text: string, key: string): CacheEntry {
  const content = JSON.parse(text) as CacheFile | null;
  if (content?.format !== FORMAT) throw new Error("it is not a cache entry of this version");
  if (content.key !== key) throw new Error("it belongs to another key");
  if (content.checksum !== checksumOf(content.entry)) throw new Error("its checksum does not fit");
  return fromTagged(content.entry) as CacheEntry;
}

/** Of a form that is tagged already: canonical again, since a file may have been written in another order. */
function checksumOf(form: unknown): string {
  return createHash("sha256").update(canonicalJson(form)).digest("hex");
}
