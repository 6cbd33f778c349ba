import { randomUUID } from "node:crypto";
import { basename } from "node:path";
import { toLogger, type Logger } from "../../base/logger.ts";
import { appendRecordings, checkWritable, compactCassette, readCassette, type RecordingLine } from "./cassette-file.ts";
import { requestKey } from "./recorded-request.ts";
import type { ChatRecording, Finished, Recording, RecordingSink } from "./recording.ts";
import { redactSecrets, type Redact } from "../redact-secrets.ts";
import { reasonOf } from "../quarantine-file.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";

export interface CassetteOptions {
  /** Takes out what is not to be kept, before anything is compared or written. Default {@link redactSecrets}. */
  redact?: Redact;
  /** Recordings that are older are not served, and go with the next write; default none are. */
  maxAgeMs?: number;
  /** Is it only to be replayed? Then no file is ever written. */
  readOnly?: boolean;
  logger?: Logger;
}

/**
 * Recorded answers in one readable file of JSON, a line for each, which only its owner can read. Each is added when its
 * answer has ended, and is on the disk before whoever asked gets the end of it. A file is never set aside or written
 * when it is only replayed.
 */
export class Cassette implements RecordingSink, AsyncDisposable {
  /** Where recordings are written to; undefined for one that is only replayed, or kept in memory alone. */
  readonly file: string | undefined;
  /** The file's name, for messages. */
  readonly name: string;
  readonly redact: Redact;
  readonly #maxAgeMs: number;
  readonly #logger: Logger;
  /** What the file held when it was opened. */
  readonly #found: readonly Recording[];
  /** What has been recorded here, in the order in which it was asked. */
  readonly #own: { order: number; recording: Recording }[] = [];
  /** Lines that are not in the file yet. */
  readonly #waiting: RecordingLine[] = [];
  /** Recordings of the file that others have taken the place of since. */
  readonly #replaced = new Set<string>();
  readonly #warned = new Set<string>();
  #order = 0;
  #lastTime = 0;
  #lastEnd = 0;
  #hasWritten = false;
  #failure: string | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    file: string | undefined,
    options: CassetteOptions,
    found: readonly Recording[],
    name = "memory",
  ) {
    this.file = file;
    this.name = name;
    this.redact = options.redact ?? redactSecrets;
    this.#maxAgeMs = options.maxAgeMs ?? Infinity;
    this.#logger = toLogger(options.logger);
    this.#found = found;
  }

  /**
   * Reads a cassette; where there is no such file it is empty. To record into it, its folder is made.
   *
   * @throws {GeppettoError} ReplayError ("ERR_CASSETTE") for a file that is not a cassette, is too large, or was made by a
   *   newer version; the file system's errors for one that cannot be read or, unless it is `readOnly`, written.
   */
  static async open(file: string, options: CassetteOptions = {}): Promise<Cassette> {
    refuseWrong("open the cassette", options, { redact: true, maxAgeMs: "amountOrNone", readOnly: true, logger: true });
    const found = readCassette(file, toLogger(options.logger));
    if (!options.readOnly) await checkWritable(file);
    return new Cassette(options.readOnly ? undefined : file, options, found, basename(file));
  }

  /** Recordings without a file, for example those of a run in a log. */
  static inMemory(recordings: readonly Recording[] = [], options: CassetteOptions & { name?: string } = {}): Cassette {
    return new Cassette(undefined, options, recordings, options.name);
  }

  /** Why some of what has been recorded is not in the file; undefined where all of it is. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** All that can be replayed, the oldest first. */
  get recordings(): Recording[] {
    return this.#fresh(this.#merged(this.#found));
  }

  /**
   * Claims the next place; the recording that is then added stands there, whenever it is finished.
   *
   * @returns what adds it. That resolves when the recording is on the disk, or cannot be; it never rejects.
   */
  claim<R extends Recording = ChatRecording>(): (recording: Finished<R>) => Promise<void> {
    const order = this.#order++;
    // Each has a time of its own: a file is sorted by it.
    this.#lastTime = Math.max(Date.now(), this.#lastTime + 1);
    const recordedAt = new Date(this.#lastTime).toISOString();
    return async (given) => {
      this.#lastEnd = Math.max(Date.now(), this.#lastEnd + 1);
      const endedAt = new Date(this.#lastEnd).toISOString();
      const recording = { id: randomUUID(), recordedAt, endedAt, ...given } as unknown as R;
      const replaces = this.#replacedBy(recording);
      this.#own.push({ order, recording });
      this.#own.sort((a, b) => a.order - b.order);
      if (this.file === undefined) return;
      this.#waiting.push({ ...recording, ...(replaces.length > 0 ? { replaces } : {}) });
      await this.save();
    };
  }

  /** Writes what has been recorded. Never rejects: what cannot be written is said once, and tried again with the next. */
  save(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** Resolves when everything is written that can be, and what has been replaced is gone. Idempotent. */
  async close(): Promise<void> {
    await this.save();
    const { file } = this;
    const isLonger = this.#replaced.size > 0 || this.#fresh([...this.#found]).length < this.#found.length;
    if (file === undefined || !this.#hasWritten || !isLonger) return;
    this.#hasWritten = false;
    const oldest = Date.now() - this.#maxAgeMs;
    // Not to be had is only that the file is shorter.
    await compactCassette(file, (recording) => isFresh(recording, oldest)).catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #write(): Promise<void> {
    const { file } = this;
    const lines = [...this.#waiting];
    if (file === undefined || lines.length === 0) return;
    try {
      await appendRecordings(file, lines, this.#logger);
      this.#waiting.splice(0, lines.length);
      this.#hasWritten = true;
      this.#failure = undefined;
    } catch (error) {
      this.#failure = reasonOf(error);
      this.#warn(this.#failure);
    }
  }

  /** The recordings of the file that this one is the first to take the place of. */
  #replacedBy({ request }: Recording): string[] {
    const key = requestKey(request);
    const ids = this.#found.filter((old) => requestKey(old.request) === key).map(({ id }) => id);
    const first = ids.filter((id) => !this.#replaced.has(id));
    for (const id of first) this.#replaced.add(id);
    return first;
  }

  #warn(reason: string): void {
    if (this.#warned.has(reason)) return;
    this.#warned.add(reason);
    this.#logger.warn(`Cannot write the recordings to ${this.name}: ${reason}`);
  }

  /** A request that was recorded anew leaves its old answers behind. */
  #merged(there: readonly Recording[]): Recording[] {
    return [...there.filter(({ id }) => !this.#replaced.has(id)), ...this.#own.map(({ recording }) => recording)];
  }

  #fresh(recordings: Recording[]): Recording[] {
    const oldest = Date.now() - this.#maxAgeMs;
    return recordings.filter((recording) => isFresh(recording, oldest));
  }
}

function isFresh({ recordedAt }: Recording, oldest: number): boolean {
  return !(Date.parse(recordedAt) < oldest);
}
