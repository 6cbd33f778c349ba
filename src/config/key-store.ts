import { stat } from "node:fs/promises";
import { readRegularFile } from "../base/read-regular-file.ts";
import { reasonOf } from "../base/reason-of.ts";
import { leftOversOf, updateFile } from "../base/replace-file.ts";
import { GeppettoError } from "../shared/errors.ts";

type Keys = Record<string, string>;

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const MAX_BYTES = 1_000_000;

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
    return Object.keys(this.#read()).sort();
  }

  async get(name: string): Promise<string | undefined> {
    const keys = this.#read();
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
    await this.#update((keys) => ({ ...keys, [name]: trimmed }));
  }

  /** Forgets a key. Was there one? */
  async remove(name: string): Promise<boolean> {
    let wasThere = false;
    await this.#update((keys) => {
      wasThere = Object.hasOwn(keys, name);
      return wasThere ? Object.fromEntries(Object.entries(keys).filter(([other]) => other !== name)) : undefined;
    });
    return wasThere;
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

  /** Files that killed programs have left beside the keys file: they may hold keys. The next change removes them. */
  leftOvers(): Promise<string[]> {
    return leftOversOf(this.#path);
  }

  #read(): Keys {
    try {
      return parseKeys(readRegularFile(this.#path, { maxBytes: MAX_BYTES }));
    } catch (error) {
      throw asKeyError("Cannot read the keys file", error);
    }
  }

  async #update(change: (keys: Keys) => Keys | undefined): Promise<void> {
    try {
      await updateFile(this.#path, { maxBytes: MAX_BYTES }, (text) => {
        const keys = change(parseKeys(text));
        return keys && `${JSON.stringify(keys, undefined, 2)}\n`;
      });
    } catch (error) {
      throw asKeyError("Cannot write the keys file", error);
    }
  }
}

function parseKeys(text: string | undefined): Keys {
  if (text === undefined) return {};
  try {
    const keys = JSON.parse(text) as unknown;
    if (typeof keys !== "object" || keys === null || !Object.values(keys).every((key) => typeof key === "string")) {
      throw new SyntaxError("no keys");
    }
    return keys as Keys;
  } catch {
    throw keyError("Cannot read the keys file: it is not as it was written; remove it and store the keys anew");
  }
}

function asKeyError(what: string, error: unknown): GeppettoError {
  if (error instanceof GeppettoError && error.name === "ConfigError") return error;
  return keyError(`${what}: ${reasonOf(error)}`);
}

function keyError(message: string): GeppettoError {
  return new GeppettoError("ConfigError", message, { code: "ERR_KEYS" });
}
