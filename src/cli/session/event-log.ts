import { closeSync, openSync, writeSync } from "node:fs";
import type { StepEvent } from "../../index.ts";
import { EXIT } from "../output/exit-codes.ts";
import { toJson } from "../output/to-json.ts";
import { UsageError } from "../options/usage-error.ts";

/** What stands for stderr among the targets of `--events`. */
export const EVENTS_ON_STDERR = "-";

/** One JSON event per line, in a file. Written at once, so that a script that is killed leaves what there was. */
export class EventLog {
  readonly #fd: number;
  readonly #file: string;
  readonly #warn: (text: string) => void;
  #failed = false;

  constructor(file: string, warn: (text: string) => void) {
    this.#file = file;
    this.#warn = warn;
    try {
      this.#fd = openSync(file, "w");
    } catch (error) {
      throw new UsageError(`Cannot write the events to ${file}: ${reasonOf(error)}`, EXIT.usage);
    }
  }

  write(event: StepEvent): void {
    if (this.#failed) return;
    try {
      writeSync(this.#fd, `${toJson(event)}\n`);
    } catch (error) {
      this.#failed = true;
      this.#warn(`Cannot write the events to ${this.#file}: ${reasonOf(error)}; the rest is left out`);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

const REASONS: Record<string, string> = {
  ENOENT: "there is no such file or folder",
  EISDIR: "it is a folder",
  EACCES: "access is denied",
};

/** Why a file could not be used, without the system's own repetition of its path. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ""] ?? code ?? message;
}
