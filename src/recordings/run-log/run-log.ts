import { randomUUID } from "node:crypto";
import { stderrLogger, type Logger } from "../../base/logger.ts";
import type { StepEvent } from "../../shared/step-events.ts";
import { type LogConnection, LogDatabase, ReadOnlyLog } from "./log-database.ts";
import { LoggedRun, type LoggedOutcome } from "./logged-run.ts";
import type { Recording } from "../cassette/recording.ts";
import { redactAll, redactSecrets, type Redact } from "../redact-secrets.ts";
import { readDetails, readEvents, readOutcome, readRecordings } from "./read-rows.ts";
import { readChunks, writeChunk, writeFailure, type LoggedJournal } from "./journal-table.ts";
import { SQL, type EventRow, type RunRow } from "./run-log-schema.ts";
import { toTagged } from "../tagged-json.ts";

export interface RunLogOptions {
  /** Most runs that are kept; default 1,000. */
  maxRuns?: number;
  /** How long a run is kept; default for ever. */
  maxAgeMs?: number;
  /** Most events of a run that are kept; default 100,000. */
  maxEvents?: number;
  /**
   * Takes out what is not to be kept. Default {@link redactSecrets}. It sees one event at a time: a key that a model says
   * in pieces is taken out of the final event only.
   */
  redact?: Redact;
  logger?: Logger;
}

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

export interface RunSummary {
  id: string;
  script: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** undefined while it runs, and for ever where its process was killed. */
  durationMs?: number;
  outcome?: LoggedOutcome;
  eventCount: number;
  /** Is a part of it missing, since the log holds something there that cannot be read? */
  isDamaged?: true;
}

export interface RunRecord extends RunSummary {
  source?: string;
  details: Record<string, unknown>;
  /** Of all steps that it ran, in the order in which they were published. */
  events: StepEvent[];
  /** How many more events there were than are kept. */
  droppedEvents: number;
  /** What the models answered, where that was handed to `end`: `Cassette.inMemory(recordings)` replays the run. */
  recordings?: Recording[];
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

  private constructor(file: string, options: RunLogOptions, isReadOnly: boolean) {
    this.#options = {
      maxRuns: 1000,
      maxAgeMs: Infinity,
      maxEvents: 100_000,
      redact: redactSecrets,
      logger: stderrLogger,
      ...options,
    };
    this.#database = isReadOnly ? new ReadOnlyLog(file) : new LogDatabase(file, this.#options.logger);
  }

  /** Opens the log, makes it where there is none, and removes what is too old or too much. Never throws. */
  static open(file: string, options: RunLogOptions = {}): RunLog {
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
    const { redact, maxEvents } = this.#options;
    const text = (value: unknown, where: string): string => JSON.stringify(redactAll(toTagged(value), redact, where));
    this.#database.use((database) => {
      const kept = source === undefined ? null : redact(source, "source");
      database.prepare(SQL.begin).run(id, script, kept, text(details, "details"), startedAt);
    });
    return new LoggedRun(id, {
      maxEvents,
      write: (events) =>
        this.#database.transact((database) => {
          const statement = database.prepare(SQL.event);
          for (const { place, stepId, packed } of events) {
            statement.run(id, place, stepId, text(packed, "event"));
          }
        }),
      writeChunk: (place, chunk) => {
        const isKept = this.#database.use((database) => {
          writeChunk(database, id, place, chunk);
          return true;
        });
        if (isKept !== true) throw new Error("the journal could not be written");
      },
      writeFailure: (reason) => this.#database.transact((database) => writeFailure(database, id, reason)),
      end: (outcome, recordings, dropped) => {
        // Recordings have been redacted when they were made.
        const kept = recordings === undefined ? null : JSON.stringify(recordings);
        this.#database.use((database) => {
          const how = text(outcome, "outcome");
          database.prepare(SQL.end).run(Date.now(), how, kept, outcome.ok ? 1 : 0, dropped, id);
        });
      },
    });
  }

  /** The latest runs first; `before` is a time in milliseconds, for the next page. */
  list({
    limit = 50,
    before = Number.MAX_SAFE_INTEGER,
    script,
  }: { limit?: number; before?: number; script?: string } = {}): RunSummary[] {
    const name = script ?? null;
    const rows = this.#database.use((database) => database.prepare(SQL.list).all(before, name, name, limit)) ?? [];
    return (rows as unknown as (RunRow & { events: number })[]).map((row) => ({
      ...summaryOf(row),
      eventCount: row.events,
    }));
  }

  /**
   * One run, by its id, the beginning of it that no other has, or "last".
   *
   * @returns undefined when there is none, or several.
   */
  show(id: string): RunRecord | undefined {
    const found = this.#database.use((database) =>
      id === "last" ? database.prepare(SQL.last).all() : database.prepare(SQL.find).all(id, `${id}\uffff`),
    ) as RunRow[] | undefined;
    const row = found?.find((candidate) => candidate.id === id) ?? (found?.length === 1 ? found[0] : undefined);
    if (row === undefined) return undefined;
    const { events, damaged } = this.#eventsOf(row.id);
    const { source } = row;
    const details = readDetails(row);
    const answers = row.recordings === null ? undefined : readRecordings(row.recordings);
    const summary = summaryOf(row);
    const isDamaged = summary.isDamaged || damaged > 0 || details === undefined || (answers?.damaged ?? 0) > 0;
    return {
      ...summary,
      ...(isDamaged ? { isDamaged } : {}),
      eventCount: events.length,
      ...(source === null ? {} : { source }),
      details: details ?? {},
      events,
      droppedEvents: row.dropped_events,
      ...(answers === undefined ? {} : { recordings: answers.recordings }),
    };
  }

  /** What crossed the wall in a run, by its whole id; undefined where that was not kept. */
  journal(id: string): LoggedJournal | undefined {
    return this.#database.use((database) => readChunks(database, id));
  }

  /** One run as a JSON document that needs no log to be read; undefined as for {@link show}. */
  export(id: string): string | undefined {
    const record = this.show(id);
    return record && `${JSON.stringify(toTagged({ format: "geppetto-run/1", ...record }), null, 2)}\n`;
  }

  /** Removes what is too old or too much; says how many runs. */
  prune(): number {
    const oldest = this.#options.maxAgeMs === Infinity ? 0 : Date.now() - this.#options.maxAgeMs;
    const done = this.#database.use((database) => database.prepare(SQL.prune).run(oldest, this.#options.maxRuns));
    return Number(done?.changes ?? 0);
  }

  /** Idempotent. */
  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #eventsOf(runId: string): { events: StepEvent[]; damaged: number } {
    const rows = this.#database.use((database) => database.prepare(SQL.events).all(runId)) ?? [];
    return readEvents(rows as unknown as EventRow[]);
  }
}

function summaryOf(row: RunRow): Omit<RunSummary, "eventCount"> {
  const { id, script, started_at: startedAt, ended_at: endedAt } = row;
  return {
    id,
    script,
    startedAt,
    ...(endedAt === null ? {} : { durationMs: endedAt - startedAt }),
    ...readOutcome(row),
  };
}
