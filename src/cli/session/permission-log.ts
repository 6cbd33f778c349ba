import { closeSync } from "node:fs";
import { openPrivateFile, reasonOf, writeWhole } from "../../files.ts";
import type { PermissionUse } from "../../index.ts";
import { EXIT } from "../output/exit-codes.ts";
import { toJson } from "../output/to-json.ts";
import { UsageError } from "../options/usage-error.ts";

export interface PermissionLogOptions {
  /** Where uses are written to; undefined or "" for nowhere. */
  file: string | undefined;
  runId: string;
  /** What the user calls the script. */
  script: string;
  warn(text: string): void;
}

/** Denied uses that are kept. */
const MAX_DENIED = 100;

/**
 * The uses of permissions of one script; with a file, each as a line of JSON, added to what only its owner reads. A line is
 * written before the use has an effect, so that a process that is killed has lost none; where it cannot be written, the
 * use is refused.
 */
export class PermissionLog {
  readonly #fd: number | undefined;
  readonly #options: PermissionLogOptions;
  /** The uses that were denied, the latest last; some at most. */
  readonly denied: PermissionUse[] = [];

  /** @throws {UsageError} when the file cannot be written to. */
  constructor(options: PermissionLogOptions) {
    this.#options = options;
    const { file } = options;
    if (!file) return;
    try {
      this.#fd = openPrivateFile(file, { mode: "add" });
    } catch (error) {
      throw new UsageError(`Cannot write the audit to ${file}: ${reasonOf(error)}`, EXIT.config, "ERR_AUDIT");
    }
  }

  /** @throws {Error} the file system's error when the line cannot be written whole. */
  note(use: PermissionUse): void {
    if (!use.granted) this.#keepDenied(use);
    if (this.#fd === undefined) return;
    try {
      writeWhole(this.#fd, `${this.#toLine(use)}\n`);
    } catch (error) {
      this.#options.warn(`Cannot write the audit: ${reasonOf(error)}; what it should hold is refused`);
      throw error;
    }
  }

  #keepDenied(use: PermissionUse): void {
    if (this.denied.length === MAX_DENIED) this.denied.shift();
    this.denied.push(use);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  #toLine({ time, kind, asked, file, granted, rule }: PermissionUse): string {
    const { runId, script } = this.#options;
    const found = file === undefined ? {} : { file };
    const decision = granted ? "granted" : "denied";
    return toJson({ time: new Date(time).toISOString(), runId, script, kind, asked, ...found, decision, rule });
  }
}
