import type { SQLInputValue } from "node:sqlite";
import { readRow, readRows } from "../../base/sqlite.ts";
import type { StepEvent } from "../../shared/step-events.ts";
import type { Recording } from "../cassette/recording.ts";
import { KeptTextError, unpackText } from "../../journal/kept-text.ts";
import { MAX_JOURNAL_BYTES } from "../../journal/journal-record.ts";
import { readFailure } from "./journal-table.ts";
import type { LogConnection } from "./log-database.ts";
import type { LoggedOutcome } from "./logged-run.ts";
import { type ModelCall, modelCallsOf, type ReadCall } from "./model-calls.ts";
import type { OutputStream } from "./output-buffer.ts";
import {
  EventReader,
  readCalls,
  readDetails,
  readEvents,
  readOutcome,
  readOutput,
  readRecordings,
  readUsage,
  type RunState,
  stateOf,
  usageIn,
} from "./read-rows.ts";
import { SQL, type CallRow, type EventRow, type OutputRow, type RunRow } from "./run-log-schema.ts";
import { readTexts } from "./source-table.ts";
import type { RunUsage } from "./run-usage.ts";

export interface RunSummary {
  id: string;
  script: string;
  state: RunState;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** undefined while it runs, and for ever where its process was killed. */
  durationMs?: number;
  outcome?: LoggedOutcome;
  /** What its process ended with, where that was said. */
  exitCode?: number;
  /** What its calls of models used, so far. */
  usage: RunUsage;
  eventCount: number;
  /** Is a part of it missing, since the log holds something there that cannot be read? */
  isDamaged?: true;
}

export interface RunRecord extends RunSummary {
  source?: string;
  details: Record<string, unknown>;
  /** What it asked of models. */
  calls: ModelCall[];
  /** What it printed, in order; one piece for what went to one stream without a break. */
  output: { stream: OutputStream; text: string }[];
  /** How many more characters of output there were than are kept. */
  droppedOutput: number;
  /** Of all steps that it ran, in the order in which they were published. */
  events: StepEvent[];
  /** How many more events there were than are kept. */
  droppedEvents: number;
  /** Why it cannot be replayed exactly, where that is known. */
  notReplayable?: string;
  /** What the models answered, where that is known: `Cassette.inMemory(recordings)` replays the run. */
  recordings?: Recording[];
}

/** An event of a run, or a piece of what it printed. */
export type LoggedItem = { event: StepEvent } | { output: { stream: OutputStream; text: string } };

export interface ListRunsOptions {
  /** Most runs; default 50. */
  limit?: number;
  /** Only runs that began earlier, in milliseconds since the epoch: for the next page. */
  before?: number;
  /** Only runs that began then or later, likewise. */
  since?: number;
  /** Only runs of scripts of this name; `*`, `?` and `[a-z]` stand for what they do in a shell. */
  script?: string;
  state?: RunState;
}

/** Reads what is in a log. */
export class RunReader {
  readonly #database: LogConnection;

  constructor(database: LogConnection) {
    this.#database = database;
  }

  /** The latest runs first. */
  list(options: ListRunsOptions): RunSummary[] {
    const { limit = 50, before = Infinity, since = 0, script = null, state } = options;
    const found = this.#database.use((database, version) => {
      const runs: RunSummary[] = [];
      const rows = readRows<RunRow & { events: number }>(database.prepare(SQL.list(version)), before, since, script);
      for (const run of rows) {
        if (runs.length >= limit) break;
        if (state !== undefined && stateOf(run) !== state) continue;
        runs.push({ ...this.summaryOf(run), eventCount: run.events });
      }
      return runs;
    });
    return found ?? [];
  }

  /** The ids that begin like this, `limit` at most; of "last" the latest run's, where there is one. */
  ids(beginning: string, limit: number): string[] {
    if (beginning === "") return [];
    const rows = this.#database.use((database) =>
      beginning === "last"
        ? database.prepare(SQL.last).all()
        : database.prepare(SQL.ids).all(beginning, `${beginning}\uffff`, limit),
    ) as { id: string }[] | undefined;
    return (rows ?? []).map(({ id }) => id);
  }

  /** What has become of a run, by its whole id; undefined where there is none. */
  state(id: string): RunState | undefined {
    return this.#database.use((database, version) => {
      const row = readRow(database.prepare(SQL.state(version)), id) as RunRow | undefined;
      return row && stateOf(row);
    });
  }

  /**
   * One run, by its id, the beginning of it that no other has, or "last".
   *
   * @returns undefined when there is none, or several.
   */
  show(id: string): RunRecord | undefined {
    const row = this.#rowOf(id);
    if (row === undefined) return undefined;
    const { events, damaged } = readEvents(this.all<EventRow>(SQL.events, row.id, -1));
    const { calls, damaged: damagedCalls } = readCalls(this.allSince2<CallRow>(SQL.calls, row.id));
    const output = this.allSince2<OutputRow>(SQL.printed, row.id, -1);
    const failure = this.#database.use((database, version) => readFailure(database, version, row.id));
    const source = this.#sourceOf(row);
    const details = readDetails(row);
    const answers = row.recordings === null ? undefined : readRecordings(row.recordings);
    const summary = this.summaryOf(row);
    const lost = damaged + damagedCalls + (answers?.damaged ?? 0);
    const recordings = recordingsOf(row, answers?.recordings, calls);
    const requests = calls.length > 0 ? calls : toCalls(answers?.recordings ?? []);
    return {
      ...summary,
      ...(summary.isDamaged || lost > 0 || source === undefined || details === undefined ? { isDamaged: true } : {}),
      eventCount: events.length,
      ...(source == null ? {} : { source }),
      details: details ?? {},
      calls: modelCallsOf(events, requests),
      output: readOutput(output),
      droppedOutput: row.dropped_output ?? 0,
      events,
      droppedEvents: row.dropped_events,
      ...(failure === undefined ? {} : { notReplayable: failure }),
      ...(recordings === undefined ? {} : { recordings }),
    };
  }

  /** Events and output of a run in the order in which they came, by its whole id. */
  items(id: string): LoggedItem[] {
    const reader = new EventReader();
    const events = this.all<EventRow>(SQL.events, id, -1).flatMap((row) => {
      const event = reader.read(row);
      return event === undefined ? [] : [{ place: row.place, item: { event } }];
    });
    const output = this.allSince2<OutputRow>(SQL.printed, id, -1).map((row) => {
      return { place: row.place, item: { output: readOutput([row])[0]! } };
    });
    return [...events, ...output].sort((a, b) => a.place - b.place).map(({ item }) => item);
  }

  /** The script's text; null where the run has none, undefined where it is kept apart and not what it was. */
  #sourceOf({ id, source, source_hash: hash }: RunRow): string | null | undefined {
    if (hash == null) return source;
    const texts = this.#database.use((database, version) => readTexts(database, version, id));
    try {
      return unpackText(hash, texts?.get(hash), MAX_JOURNAL_BYTES);
    } catch (error) {
      if (error instanceof KeptTextError) return undefined;
      throw error;
    }
  }

  #rowOf(id: string): RunRow | undefined {
    const [first, second] = this.ids(id, 2);
    if (first === undefined || (second !== undefined && first !== id)) return undefined;
    return this.all<RunRow>(SQL.run, first)[0];
  }

  /** The rows that a query gives; none where there is no log. */
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#database.use((database) => [...readRows<Row>(database.prepare(sql), ...values)]) ?? [];
  }

  /** Likewise, from tables that the first version did not have. */
  allSince2<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    const isThere = this.#database.use((_, version) => version >= 2) ?? false;
    return isThere ? this.all<Row>(sql, ...values) : [];
  }

  /** What a row says of its run. */
  summaryOf(row: RunRow): Omit<RunSummary, "eventCount"> {
    const { id, script, started_at: startedAt, ended_at: endedAt, exit_code: exitCode } = row;
    return {
      id,
      script,
      state: stateOf(row),
      startedAt,
      ...(endedAt === null ? {} : { durationMs: endedAt - startedAt }),
      ...(exitCode == null ? {} : { exitCode }),
      usage: readUsage(row) ?? usageIn(this.all<EventRow>(SQL.finals, id)),
      ...readOutcome(row),
    };
  }
}

/** What a run that is over was answered: what was handed over at its end, and what was noted as it came. */
function recordingsOf(
  { ended_at: endedAt }: RunRow,
  given: Recording[] | undefined,
  calls: readonly ReadCall[],
): Recording[] | undefined {
  if (endedAt === null || (given === undefined && calls.length === 0)) return undefined;
  return [...(given ?? []), ...calls.flatMap(({ recording }) => recording ?? [])];
}

function toCalls(recordings: readonly Recording[]): ReadCall[] {
  return recordings.map((recording) => ({ stepId: "", request: recording.request, recording }));
}
