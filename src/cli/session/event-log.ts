import { closeSync } from "node:fs";
import { openPrivateFile, reasonOf, writeWhole } from "../../files.ts";
import type { StepEvent } from "../../index.ts";
import { EXIT } from "../output/exit-codes.ts";
import { toJson } from "../output/to-json.ts";
import { UsageError } from "../options/usage-error.ts";

/** What stands for stderr among the targets of `--events`. */
export const EVENTS_ON_STDERR = "-";

/** One JSON event per line, in a file that only its owner reads. Written at once, so that a script that is killed leaves what there was. */
export class EventLog {
  readonly #fd: number;
  readonly #file: string;
  readonly #warn: (text: string) => void;
  #failure: string | undefined;

  constructor(file: string, warn: (text: string) => void) {
    this.#file = file;
    this.#warn = warn;
    try {
      this.#fd = openPrivateFile(file, { mode: "replace" });
    } catch (error) {
      const how = "--events alone writes them to stderr";
      throw new UsageError(`Cannot write the events to ${file}: ${reasonOf(error)}; ${how}`, EXIT.output);
    }
  }

  /** Why events are missing; undefined where none are. */
  get failure(): string | undefined {
    return this.#failure && `Cannot keep every event in ${this.#file}: ${this.#failure}`;
  }

  write(event: StepEvent): void {
    if (this.#failure !== undefined) return;
    try {
      writeWhole(this.#fd, `${toJson(event)}\n`);
    } catch (error) {
      this.#failure = reasonOf(error);
      this.#warn(`Cannot write the events to ${this.#file}: ${this.#failure}; the rest is left out`);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The file that `--events` names; undefined where they go to stderr, or nowhere. */
export function openEventLog(events: string | undefined, warn: (text: string) => void): EventLog | undefined {
  return events === undefined || events === EVENTS_ON_STDERR ? undefined : new EventLog(events, warn);
}
