import { randomUUID } from "node:crypto";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { toLogger, type Logger } from "../../base/logger.ts";
import { type LogConnection, LogDatabase, ReadOnlyLog } from "./log-database.ts";
import { LoggedRun } from "./logged-run.ts";
import { redactAll, redactSecrets, type Redact } from "../redact-secrets.ts";
import { withBoundedCompletions } from "./bounded-completions.ts";
import { followRun, type FollowedItem } from "./follow-run.ts";
import { thisHolder } from "../../base/process-holder.ts";
import { type ListRunsOptions, type LoggedItem, RunReader, type RunRecord, type RunSummary } from "./run-reader.ts";
import { readChunks, writeChunk, writeFailure, type LoggedJournal } from "./journal-table.ts";
import { SQL } from "./run-log-schema.ts";
import { keepText, pruneTexts } from "./source-table.ts";
import { hashOfText, MIN_KEPT_CHARS } from "../../journal/kept-text.ts";
import { toTagged } from "../tagged-json.ts";
import { withDefaults } from "../../shared/values/with-defaults.ts";
import { refuseWrong, type FieldsOf } from "../../shared/wrong-option.ts";

export interface RunLogOptions {
  /** Most runs that are kept; default 1,000. */
  maxRuns?: number;
  /** How long a run is kept; default for ever. */
  maxAgeMs?: number;
  /** Most events of a run that are kept; default 100,000. */
  maxEvents?: number;
  /** Most characters that are kept of what a run prints, the first ones; default 1,000,000. */
  maxOutput?: number;
  /**
   * Takes out what is not to be kept. Default {@link redactSecrets}. It sees one event at a time: a key that a model says
   * in pieces is taken out of the final event only.
   */
  redact?: Redact;
  logger?: Logger;
}

const FIELDS: FieldsOf<RunLogOptions> = {
  maxRuns: "countOrNone",
  maxAgeMs: "amountOrNone",
  maxEvents: "amountOrNone",
  maxOutput: "amountOrNone",
  redact: true,
  logger: true,
};

const DEFAULTS = {
  maxRuns: 1000,
  maxAgeMs: Infinity,
  maxEvents: 100_000,
  maxOutput: 1_000_000,
  redact: redactSecrets,
};

/** What is known of a run when it begins. */
export interface RunStart {
  /** The script's name. */
  script: string;
  /** Its text, as it was. */
  source?: string;
  /** Arguments, input, model, settings: whatever is needed to run it again. Plain data. */
  details?: Record<string, unknown>;
  /** Default a UUID. */
  id?: string;
  /** Milliseconds since the epoch; default now. */
  startedAt?: number;
}

/**
 * Every run of a script with its source, events and outcome, in a SQLite file that several processes may write at a
 * time. A file that is damaged is set aside with a warning; where nothing can be written there is one warning and no log.
 *
 * @example
 * using log = RunLog.open("runs.sqlite");
 * const run = log.begin({ script: "hello.js" });
 * run.follow(engine.bus);
 * await run.end(await engine.runScript({ file: "hello.js" }));
 * log.list({ limit: 10 });
 */
export class RunLog implements Disposable {
  readonly #options: Required<RunLogOptions>;
  readonly #database: LogConnection;
  readonly #reader: RunReader;

  private constructor(file: string, options: RunLogOptions, isReadOnly: boolean) {
    this.#options = { ...withDefaults(DEFAULTS, options), logger: toLogger(options.logger) };
    this.#database = isReadOnly ? new ReadOnlyLog(file) : new LogDatabase(file, this.#options.logger);
    this.#reader = new RunReader(this.#database);
  }

  /** Opens the log, makes it where there is none, and removes what is too old or too much. Never throws. */
  static open(file: string, options: RunLogOptions = {}): RunLog {
    refuseWrong("open the log of runs", options, FIELDS);
    const log = new RunLog(file, options, false);
    log.prune();
    return log;
  }

  /**
   * Opens a log to look into it. It is not made, changed, pruned or set aside, so that a disk that takes nothing more, or
   * damage, hides no run that can be read.
   *
   * @throws {Error} of SQLite for a file that cannot be read, here and by whatever reads.
   */
  static openReadOnly(file: string): RunLog {
    return new RunLog(file, {}, true);
  }

  /** Notes that a run has begun. What goes wrong with the log from here on is a warning, never an error of the run. */
  begin({ script, source, details = {}, id = randomUUID(), startedAt = Date.now() }: RunStart): LoggedRun {
    const { redact, maxEvents, maxOutput } = this.#options;
    const text = (value: unknown, where: string): string => JSON.stringify(redactAll(toTagged(value), redact, where));
    this.#database.use((database) => {
      const kept = source === undefined ? null : redact(source, "source");
      const isLong = kept !== null && kept.length >= MIN_KEPT_CHARS;
      const hash = isLong ? hashOfText(kept) : null;
      const what = text(details, "details");
      database
        .prepare(SQL.begin)
        .run(id, script, isLong ? null : kept, hash, what, startedAt, thisHolder(), Date.now());
      if (isLong) keepText(database, id, { hash: hash!, text: kept });
    });
    return new LoggedRun(id, {
      maxEvents,
      maxOutput,
      write: ({ events, calls, output }) =>
        this.#database.transact((database) => {
          const insert = prepareOnce(database);
          for (const { place, stepId, packed } of events) insert("event", id, place, stepId, text(packed, "event"));
          for (const { place, stream, text: printed } of output)
            insert("output", id, place, stream, redact(printed, `output.${stream}`));
          // Requests and answers have been redacted when they were made.
          for (const { place, stepId, startedAt: at, durationMs = null, request, answer } of calls) {
            const answered = answer === undefined ? null : JSON.stringify(answer);
            insert("call", id, place, stepId, at, durationMs, JSON.stringify(request), answered);
          }
        }),
      keepText: (kept) => {
        const isKept = this.#database.use((database) => {
          keepText(database, id, kept);
          return true;
        });
        if (isKept !== true) throw new Error("its source could not be written");
      },
      writeChunk: (place, chunk) => {
        const isKept = this.#database.use((database) => {
          writeChunk(database, id, place, chunk);
          return true;
        });
        if (isKept !== true) throw new Error("the journal could not be written");
      },
      writeFailure: (reason) => this.#database.transact((database) => writeFailure(database, id, reason)),
      touch: () => this.#database.use((database) => database.prepare(SQL.touch).run(Date.now(), id)),
      end: (outcome, { recordings, exitCode = null, usage, droppedEvents, droppedOutput }) => {
        const kept = recordings === undefined ? null : JSON.stringify(recordings);
        const isOk = exitCode === null ? outcome.ok : exitCode === 0;
        const { calls, inputTokens, outputTokens, cost = null } = usage;
        this.#database.use((database) => {
          const how: SQLInputValue[] = [Date.now(), text(outcome, "outcome"), kept, outcome.ok ? 1 : 0];
          how.push(droppedEvents, droppedOutput, isOk ? "completed" : "failed", exitCode);
          database.prepare(SQL.end).run(...how, calls, inputTokens, outputTokens, cost, id);
        });
      },
    });
  }

  /** The latest runs first. */
  list(options: ListRunsOptions = {}): RunSummary[] {
    refuseWrong("list runs", options, {
      limit: "amountOrNone",
      before: "number",
      since: "number",
      script: true,
      state: true,
    });
    return this.#reader.list(options);
  }

  /** The ids that begin like this, `limit` at most; of "last" the latest run's, where there is one. */
  ids(beginning: string, limit = 10): string[] {
    return this.#reader.ids(beginning, limit);
  }

  /**
   * One run, by its id, the beginning of it that no other has, or "last".
   *
   * @returns undefined when there is none, or several.
   */
  show(id: string): RunRecord | undefined {
    return this.#reader.show(id);
  }

  /**
   * What a run prints and asks of models, from its beginning on, and as it goes until it has ended or been killed. There
   * is nothing of a run that is not in the log.
   *
   * @param id the whole of it.
   */
  follow(id: string, options: { signal?: AbortSignal } = {}): AsyncGenerator<FollowedItem, void, undefined> {
    return followRun(this.#reader, id, options);
  }

  /** Events and output of a run in the order in which they came, by its whole id. */
  items(id: string): LoggedItem[] {
    return this.#reader.items(id);
  }

  /** What crossed the wall in a run, by its whole id; undefined where that was not kept. */
  journal(id: string): LoggedJournal | undefined {
    return this.#database.use((database, version) => readChunks(database, version, id));
  }

  /** One run as a JSON document that needs no log to be read; undefined as for {@link show}. */
  export(id: string): string | undefined {
    const record = this.show(id);
    if (record === undefined) return undefined;
    const document = { format: "geppetto-run/1", ...withBoundedCompletions(record) };
    return `${JSON.stringify(toTagged(document), null, 2)}\n`;
  }

  /** Removes what is too old or too much; says how many runs. */
  prune(): number {
    const oldest = this.#options.maxAgeMs === Infinity ? 0 : Date.now() - this.#options.maxAgeMs;
    const done = this.#database.use((database) => {
      const { changes } = database.prepare(SQL.prune).run(oldest, this.#options.maxRuns);
      if (changes > 0) pruneTexts(database);
      return changes;
    });
    return Number(done ?? 0);
  }

  /** Idempotent. */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Inserts rows by statements that are prepared once. */
function prepareOnce(database: DatabaseSync): (sql: "event" | "output" | "call", ...values: SQLInputValue[]) => void {
  const statements = new Map<string, StatementSync>();
  return (sql, ...values) => {
    const statement = statements.get(sql) ?? database.prepare(SQL[sql]);
    statements.set(sql, statement);
    statement.run(...values);
  };
}
