import { resolve } from "node:path";
import { HEARTBEAT_MS, SILENCE_MS } from "../../../base/process-holder.ts";
import { JournalThread } from "../access/journal-thread.ts";
import { StoredJournal } from "../stored-journal.ts";
import { type JournalLimits, withLimits } from "../tables/journal-tables.ts";
import type { SqliteThreadData } from "./journal-worker.ts";
import { refuseWrong } from "../../../shared/wrong-option.ts";

/** How often a journal looks for what other processes have done, in milliseconds. */
const POLL_MS = 100;

export interface SqliteJournalOptions {
  /** What one execution, and all of them, may take; see the docs. */
  limits?: Partial<JournalLimits>;
  /**
   * How long an attempt on another machine, or one that hangs, may be silent before its execution can be taken over, in
   * milliseconds; default 30,000. An attempt whose process has ended on this machine is taken over at once.
   */
  silenceMs?: number;
}

/**
 * Keeps executions in a SQLite file that several processes may use at a time. What it has kept is on the disk; a thread of
 * its own waits for that, once for all that comes within a turn of the event loop.
 *
 * @example
 * await using journal = await SqliteJournal.open("executions.db");
 * const outcome = await engine.runScript({ file: "order.js" }, { journal, id: "order-17" });
 */
export class SqliteJournal extends StoredJournal {
  private constructor(thread: JournalThread) {
    super(thread);
  }

  /**
   * Opens a journal, and makes it where there is none, readable by its owner alone.
   *
   * @throws {GeppettoError} ERR_JOURNAL for a file that cannot be used; ERR_JOURNAL_VERSION.
   */
  static async open(file: string, options: SqliteJournalOptions = {}): Promise<SqliteJournal> {
    refuseWrong("open the journal", options, { limits: true, silenceMs: "milliseconds" });
    const { limits, silenceMs = SILENCE_MS } = options;
    const data: SqliteThreadData = {
      file: resolve(file),
      limits: withLimits(limits),
      silenceMs,
      heartbeatMs: Math.min(HEARTBEAT_MS, silenceMs / 3),
      pollMs: POLL_MS,
    };
    return new SqliteJournal(await JournalThread.open("#journal-worker", data));
  }
}
