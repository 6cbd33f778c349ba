import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { readRegularFile } from "../../base/read-regular-file.ts";
import { leftOversOf, updateFile } from "../../base/replace-file.ts";
import { configError } from "../config-error.ts";

const MAX_BYTES = 1_000_000;
const HASH = /^[0-9a-f]{64}$/;
const LABEL = "~/.config/geppetto-js/trust.json";

/** Hashes of configuration files by the folders that they lie in. */
type Trusted = Record<string, string>;

/** How far a folder's file is trusted: as it is, as it was before somebody changed it, or not at all. */
export type TrustState = "trusted" | "changed" | "untrusted";

/**
 * Which folders' `geppetto.yaml` the user has trusted, in one file of their own. A file is trusted as it was when they
 * looked at it: whoever changes it, or moves it elsewhere, has it looked at again.
 */
export class TrustStore {
  readonly #path: string;

  /** @param path of the file; it need not exist. */
  constructor(path: string) {
    this.#path = path;
  }

  /** The folders that were trusted, in order. */
  list(): string[] {
    return Object.keys(this.#read()).sort();
  }

  /** @param text of the folder's file. */
  stateOf(folder: string, text: string): TrustState {
    const hash = this.#read()[realFolder(folder)];
    if (hash === undefined) return "untrusted";
    return hash === hashOf(text) ? "trusted" : "changed";
  }

  /** Trusts the file of a folder that holds this text, in place of one that was there before. */
  async trust(folder: string, text: string): Promise<void> {
    await this.#update((trusted) => ({ ...trusted, [realFolder(folder)]: hashOf(text) }));
  }

  /** Trusts a folder no longer. Was it trusted? */
  async remove(folder: string): Promise<boolean> {
    const own = realFolder(folder);
    let wasThere = false;
    await this.#update((trusted) => {
      wasThere = Object.hasOwn(trusted, own);
      return wasThere ? Object.fromEntries(Object.entries(trusted).filter(([name]) => name !== own)) : undefined;
    });
    return wasThere;
  }

  /** Files that killed programs have left beside it. The next change removes them. */
  leftOvers(): Promise<string[]> {
    return leftOversOf(this.#path);
  }

  #read(): Trusted {
    try {
      return parseTrusted(readRegularFile(this.#path, { maxBytes: MAX_BYTES }));
    } catch (error) {
      throw asTrustError("cannot be read", error);
    }
  }

  async #update(change: (trusted: Trusted) => Trusted | undefined): Promise<void> {
    try {
      await updateFile(this.#path, { maxBytes: MAX_BYTES }, (text) => {
        const trusted = change(parseTrusted(text));
        return trusted && `${JSON.stringify(trusted, undefined, 2)}\n`;
      });
    } catch (error) {
      throw asTrustError("cannot be written", error);
    }
  }
}

function parseTrusted(text: string | undefined): Trusted {
  if (text === undefined) return {};
  try {
    const value = JSON.parse(text) as unknown;
    const isWhole = typeof value === "object" && value !== null && Object.values(value).every(isHash);
    if (isWhole) return value as Trusted;
  } catch {
    // Said below, as for what is JSON and not this.
  }
  throw new Error("it is not as it was written; remove it and trust the folders anew");
}

function isHash(value: unknown): boolean {
  return typeof value === "string" && HASH.test(value);
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** However somebody came to a folder, it is the same one. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return resolve(folder);
  }
}

function asTrustError(what: string, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  return configError(LABEL, `it ${what}: ${code ?? message}`, "ERR_CONFIG_TRUST");
}
