import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readRunLog } from "../session/open-run-log.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { checkTraceFile, writeTraceFile } from "./trace-file.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";

/** Makes the page of one run, from the log in which the run is; where it is in none, from one that lasts as long. */
export class RunTracer {
  readonly #file: string;
  readonly #contents: boolean;
  #folder: string | undefined;

  private constructor(file: string, contents: boolean) {
    this.#file = file;
    this.#contents = contents;
  }

  /**
   * undefined where nobody has asked for a page.
   *
   * @throws {UsageError} with exit code 74 for a file that cannot be written.
   */
  static open({ trace, traceContents }: ScriptOptions): RunTracer | undefined {
    if (trace === undefined) return undefined;
    checkTraceFile(trace);
    return new RunTracer(trace, traceContents !== "off");
  }

  /** A log for this run alone; only its owner may read it. */
  get spareLog(): string {
    return join((this.#folder ??= mkdtempSync(join(tmpdir(), "geppetto-trace-"))), "runs.db");
  }

  /**
   * Writes the page of a run that has been kept in this log.
   *
   * @throws {UsageError} with exit code 74 where it cannot be made or written.
   */
  async write(runId: string, logFile: string | undefined): Promise<void> {
    // Loaded on use: most runs are not looked at.
    const { tracePageOf } = await import("./trace-page-of.ts");
    let page: string | undefined;
    try {
      if (logFile === undefined) throw new Error("the run could not be kept");
      using log = readRunLog(logFile);
      const run = log.show(runId);
      if (run === undefined) throw new Error("the run could not be kept");
      page = await tracePageOf(log, run, { contents: this.#contents });
    } catch (error) {
      throw new UsageError(`Cannot make the page of the run: ${(error as Error).message}`, EXIT.output);
    }
    await writeTraceFile(this.#file, page);
  }

  /** Idempotent. */
  close(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}
