import { randomUUID } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { GeppettoError } from "../shared/errors.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const PRIVATE_FILE = 0o600;

/**
 * Keys by name, in one file that only its owner can read; settings refer to them as `key:NAME`. Nothing here prints a
 * key, and no error holds one.
 */
export class KeyStore {
  readonly #path: string;

  /** @param path of the file; it need not exist. */
  constructor(path: string) {
    this.#path = path;
  }

  /** The names that have a key, in order. */
  async list(): Promise<string[]> {
    return Object.keys(await this.#read()).sort();
  }

  async get(name: string): Promise<string | undefined> {
    const keys = await this.#read();
    return Object.hasOwn(keys, name) ? keys[name] : undefined;
  }

  /**
   * Stores a key, in place of one with the same name.
   *
   * @throws {GeppettoError} ConfigError for a name of other than letters, digits, _, - and ., or an empty key.
   */
  async set(name: string, key: string): Promise<void> {
    if (!NAME.test(name)) {
      throw keyError(`Cannot store a key as "${name.slice(0, 64)}": a name has 1 to 64 letters, digits, _, - and .`);
    }
    const trimmed = key.trim();
    if (trimmed === "" || /[\s\p{Cc}]/u.test(trimmed)) {
      throw keyError(`Cannot store the key "${name}": a key is one word, and not empty`);
    }
    await this.#write({ ...(await this.#read()), [name]: trimmed });
  }

  /** Forgets a key. Was there one? */
  async remove(name: string): Promise<boolean> {
    const keys = await this.#read();
    if (!Object.hasOwn(keys, name)) return false;
    delete keys[name];
    await this.#write(keys);
    return true;
  }

  /** Can others than its owner read the file? False where there is none. */
  async isExposed(): Promise<boolean> {
    if (process.platform === "win32") return false;
    try {
      return ((await stat(this.#path)).mode & 0o077) !== 0;
    } catch {
      return false;
    }
  }

  async #read(): Promise<Record<string, string>> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return {};
      throw keyError(`Cannot read the keys file: ${code ?? "unknown"}`);
    }
    try {
      const keys = JSON.parse(text) as unknown;
      if (typeof keys !== "object" || keys === null || !Object.values(keys).every((key) => typeof key === "string")) {
        throw new SyntaxError("no keys");
      }
      return keys as Record<string, string>;
    } catch {
      throw keyError("Cannot read the keys file: it is not as it was written; remove it and store the keys anew");
    }
  }

  /** Whole or not at all, and never readable by others, not even for a moment. */
  async #write(keys: Record<string, string>): Promise<void> {
    const draft = `${this.#path}.${randomUUID()}`;
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      await writeFile(draft, `${JSON.stringify(keys, undefined, 2)}\n`, { mode: PRIVATE_FILE, flag: "wx" });
      await chmod(draft, PRIVATE_FILE);
      await rename(draft, this.#path);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {});
      throw keyError(`Cannot write the keys file: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`);
    }
  }
}

function keyError(message: string): GeppettoError {
  return new GeppettoError("ConfigError", message, { code: "ERR_KEYS" });
}
