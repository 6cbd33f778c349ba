import { statSync, watch, type FSWatcher } from "node:fs";
import { dirname } from "node:path";

/** How long a file has to stay as it is before it counts as written, in milliseconds, and how long that is waited for. */
const SETTLE_MS = 100;
const MAX_SETTLE_MS = 2_000;
/** How often files are looked at although the system has told of nothing, in milliseconds: not every file system tells. */
const LOOK_MS = 1_000;

/** What is the same as long as nobody has written the file; "" where there is none. */
type Stamp = string;

/**
 * Sees when files change. It watches the folders that they lie in, so that a file which is put in place of another one,
 * which is gone for a moment, or which is not there yet, is seen as well.
 */
export class FileWatch implements Disposable {
  readonly #list: () => readonly string[];
  readonly #stamps = new Map<string, Stamp>();
  readonly #folders = new Map<string, FSWatcher>();
  readonly #timer: NodeJS.Timeout;
  #wake: () => void = () => {};
  /** Something has happened in the folders: there may be other files than before. */
  #mayDiffer = false;

  /** @param list the files that count, as they are now: it is asked again whenever something has happened */
  constructor(list: () => readonly string[]) {
    this.#list = list;
    this.#timer = setInterval(() => this.#wake(), LOOK_MS);
    this.start();
  }

  /** Every file as it is now is as it should be. */
  start(): void {
    this.#stamps.clear();
    this.#mayDiffer = false;
    for (const file of this.#list()) this.#stamps.set(file, stampOf(file));
    this.#watchFolders();
  }

  /** These files as they are now are as they should be: whoever ran has written them. */
  accept(files: readonly string[]): void {
    for (const file of files) if (this.#stamps.has(file)) this.#stamps.set(file, stampOf(file));
  }

  /**
   * Resolves with the files that were changed, added or removed, once they stay as they are.
   *
   * @param except these do not count
   * @throws the signal's reason.
   */
  async changed({ except, signal }: { except: readonly string[]; signal: AbortSignal }): Promise<string[]> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#differing(except).length > 0) {
        await this.#settled(signal);
        const found = this.#differing(except);
        if (found.length > 0) return found;
      }
      await this.#next(signal);
    }
  }

  /** How many files there are. */
  get count(): number {
    return [...this.#stamps.values()].filter((stamp) => stamp !== "").length;
  }

  isGone(file: string): boolean {
    return this.#stamps.get(file) === "";
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #differing(except: readonly string[]): string[] {
    // Finding out which files there are may take reading them.
    const files = new Set([...this.#stamps.keys(), ...(this.#mayDiffer ? this.#list() : [])]);
    return [...files].filter((file) => !except.includes(file) && stampOf(file) !== (this.#stamps.get(file) ?? ""));
  }

  /** Something has happened, or it is time to look. */
  #next(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#wake = resolve;
    return promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  /** Who writes a file does it in several steps: it may be empty, or gone, in between. */
  async #settled(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const look = (): string => JSON.stringify(this.#differing([]).map((file) => [file, stampOf(file)]));
    for (let before = look(); performance.now() - startedAt < MAX_SETTLE_MS;) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      signal.throwIfAborted();
      const now = look();
      if (now === before) return;
      before = now;
    }
  }

  #watchFolders(): void {
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
    for (const folder of new Set([...this.#stamps.keys()].map((file) => dirname(file)))) {
      try {
        const watcher = watch(folder, () => {
          this.#mayDiffer = true;
          this.#wake();
        });
        // It has gone: from then on it is looked at from time to time.
        watcher.on("error", () => watcher.close());
        this.#folders.set(folder, watcher);
      } catch {
        // The same for what cannot be watched.
      }
    }
  }
}

function stampOf(file: string): Stamp {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats === undefined ? "" : `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.isFile()}`;
  } catch {
    return "";
  }
}
