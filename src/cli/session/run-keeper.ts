import {
  redactorFor,
  type LoggedCall,
  type LoggedOutcome,
  type LoggedRun,
  type OutputStream,
  type Redact,
  type RunStart,
  type ScriptOutcome,
  type StepEvent,
} from "../../index.ts";
import { JournalRecorder, mayHoldAny, type JournalEnd, type KeptText } from "../../replay.ts";
import { openRunLog } from "./open-run-log.ts";
import { shortPath } from "../output/short-path.ts";
import { toJson } from "../output/to-json.ts";

export interface RunKeeperOptions {
  /** The log's file. */
  file: string;
  /** A file for this run alone, where it has to be kept even if the log cannot be written. */
  spareFile?: (() => string) | undefined;
  start: RunStart;
  /** Texts that are not to be kept, beside what looks like a key. */
  secrets: readonly string[];
  warn: (text: string) => void;
}

/** After this long a run is noted while it is under way, in milliseconds; a shorter one is when it is over, in one go. */
const OPEN_AFTER_MS = 300;
/** How long a log that another program writes is waited for when the script is over, in milliseconds. */
const LOCK_WAIT_MS = 250;
/** Events, calls and pieces of output that wait for the log to be opened. */
const MAX_WAITING = 10_000;

/** Keeps one run in the log, with its journal. Nothing here throws, and the log is not touched while a script starts. */
export class RunKeeper {
  /** What crosses the wall. */
  readonly journal: JournalRecorder;
  readonly #options: RunKeeperOptions;
  readonly #redact: Redact;
  readonly #timer: NodeJS.Timeout;
  /** What is to be noted from before the log was opened; undefined afterwards. */
  #waiting: ((run: LoggedRun) => void)[] | undefined = [];
  /** Likewise, parts of the journal. */
  #chunks: Uint8Array[] = [];
  #texts: KeptText[] = [];
  #run: LoggedRun | undefined;
  /** Where the run is kept; undefined where it is not. */
  file: string | undefined;

  constructor(options: RunKeeperOptions) {
    this.#options = options;
    this.#redact = redactorFor(options.secrets);
    this.journal = new JournalRecorder({
      write: (chunk) => this.#keepChunk(chunk),
      keepText: (text) => this.#keepText(text),
      redact: (text) => this.#redact(text, "journal"),
      mayRedact: mayHoldAny(options.secrets),
      onFailed: (reason) => this.#dropJournal(reason),
    });
    this.#timer = setTimeout(() => this.#open(0), OPEN_AFTER_MS).unref();
  }

  record(event: StepEvent): void {
    if (event.type !== "partial" && !isKeepable(event)) return;
    this.journal.event();
    this.#note((run) => run.record(event));
  }

  /** Notes what the script prints. */
  print(stream: OutputStream, text: string): void {
    this.#note((run) => run.print(stream, text));
  }

  noteCall(call: LoggedCall): void {
    this.#note((run) => run.noteCall(call));
  }

  /** Opens the log when the script is over, where that has not been done. Idempotent. */
  open(): void {
    const why = this.#open(LOCK_WAIT_MS);
    const { file, warn, spareFile } = this.#options;
    if (why !== undefined) warn(`Continuing without the run log ${shortPath(file)}: ${why}; --no-log runs without one`);
    if (why !== undefined && spareFile !== undefined) this.#open(LOCK_WAIT_MS, spareFile());
    this.drop();
  }

  /** Notes how it ended. */
  async end(
    { value, sources: _, ...outcome }: ScriptOutcome,
    { exitCode, ...errors }: Pick<LoggedOutcome, "error" | "unhandledErrors"> & { exitCode: number },
    journalEnd: JournalEnd,
  ): Promise<void> {
    this.open();
    await this.journal.close(journalEnd);
    // A value that refers to itself is left out: its text says what it was.
    const kept = { ...outcome, ...errors, ...(value !== undefined && isKeepable(value) ? { value } : {}) };
    // Its answers have been noted as they came.
    await this.#run?.end(kept, { exitCode, recordings: [] });
    // The log is not closed: the last one to close it would wait for the disk, and nothing is lost without that.
  }

  /** There is nothing to note any more. Idempotent. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#waiting = undefined;
    this.#chunks = [];
    this.#texts = [];
  }

  /** What the journal has so far. */
  #handOver(run: LoggedRun): void {
    const { failure } = this.journal;
    if (failure !== undefined) return run.dropJournal(failure);
    try {
      for (const text of this.#texts) run.keepText(text);
      for (const chunk of this.#chunks) run.keepChunk(chunk);
    } catch (error) {
      this.journal.fail((error as Error).message);
    }
  }

  #keepChunk(chunk: Uint8Array): void {
    if (this.#waiting === undefined) this.#run?.keepChunk(chunk);
    else this.#chunks.push(chunk);
  }

  #keepText(text: KeptText): void {
    if (this.#waiting === undefined) this.#run?.keepText(text);
    else this.#texts.push(text);
  }

  #dropJournal(reason: string): void {
    this.#chunks = [];
    this.#texts = [];
    this.#options.warn(`not replayable: ${reason}`);
    this.#run?.dropJournal(reason);
  }

  #note(work: (run: LoggedRun) => void): void {
    const waiting = this.#waiting;
    if (waiting === undefined) {
      if (this.#run !== undefined) work(this.#run);
    } else if (waiting.length < MAX_WAITING && waiting.push(work) === MAX_WAITING) this.#open(0);
  }

  /** Says why the log cannot be opened; it can be tried again. A run under way waits for nobody's lock. */
  #open(lockWaitMs: number, file: string = this.#options.file): string | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined) return undefined;
    const { start, warn } = this.#options;
    try {
      const run = openRunLog(file, { warn, lockWaitMs, redact: this.#redact }).begin(start);
      for (const work of waiting) work(run);
      this.#run = run;
      this.file = file;
      this.#handOver(run);
    } catch (error) {
      return (error as Error).message;
    }
    this.drop();
    return undefined;
  }
}

function isKeepable(value: unknown): boolean {
  try {
    toJson(value);
    return true;
  } catch {
    return false;
  }
}
