import { randomUUID } from "node:crypto";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { stderrLogger, type Logger } from "../../base/logger.ts";
import { replaceFile } from "../../base/replace-file.ts";
import { withFileLock } from "../../base/file-lock.ts";
import { requestKey } from "./recorded-request.ts";
import { parseRecording, type ChatRecording, type Recording } from "./recording.ts";
import { redactSecrets, type Redact } from "../redact-secrets.ts";
import { reasonOf, quarantineFile } from "../quarantine-file.ts";

export interface CassetteOptions {
  /** Takes out what is not to be kept, before anything is compared or written. Default {@link redactSecrets}. */
  redact?: Redact;
  /** Recordings that are older are not served, and go with the next write; default none are. */
  maxAgeMs?: number;
  logger?: Logger;
}

const FORMAT = "geppetto-cassette/1";
/** How long a cassette is not written, for as long as it took to write it. */
const PAUSE_RATIO = 10;
const MAX_PAUSE_MS = 2_000;

/**
 * Recorded answers in one readable JSON file. A file that cannot be read is set aside with a warning, as is a copy of
 * one of which some recordings cannot; what is written is added to what others have written meanwhile.
 */
export class Cassette implements AsyncDisposable {
  /** undefined for one that is kept in memory alone. */
  readonly file: string | undefined;
  readonly redact: Redact;
  readonly #maxAgeMs: number;
  readonly #logger: Logger;
  /** What the file held when it was opened. */
  readonly #found: readonly Recording[];
  /** What has been recorded here, in the order in which it was asked. */
  readonly #own: { order: number; recording: Recording }[] = [];
  readonly #warned = new Set<string>();
  #order = 0;
  /** How many of them have been written. */
  #written = 0;
  #writing: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = 0;

  private constructor(file: string | undefined, options: CassetteOptions, found: readonly Recording[]) {
    this.file = file;
    this.redact = options.redact ?? redactSecrets;
    this.#maxAgeMs = options.maxAgeMs ?? Infinity;
    this.#logger = options.logger ?? stderrLogger;
    this.#found = found;
  }

  /** Reads a cassette; where there is no such file it is empty. Rejects only for a file that exists and cannot be read. */
  static async open(file: string, options: CassetteOptions = {}): Promise<Cassette> {
    return new Cassette(file, options, await readCassette(file, options.logger ?? stderrLogger));
  }

  /** Recordings without a file, for example those of a run in a log. */
  static inMemory(recordings: readonly Recording[] = [], options: CassetteOptions = {}): Cassette {
    return new Cassette(undefined, options, recordings);
  }

  /** The file's name, for messages. */
  get name(): string {
    return this.file === undefined ? "memory" : basename(this.file);
  }

  /** All that can be replayed, the oldest first. */
  get recordings(): Recording[] {
    return this.#fresh(this.#merged(this.#found));
  }

  /** Claims the next place; the recording that is then added stands there, whenever it is finished. */
  claim<R extends Recording = ChatRecording>(): (recording: Omit<R, "id" | "recordedAt">) => void {
    const order = this.#order++;
    const recordedAt = new Date().toISOString();
    return (recording) => {
      this.#own.push({ order, recording: { id: randomUUID(), recordedAt, ...recording } as unknown as R });
      this.#own.sort((a, b) => a.order - b.order);
      this.#writeSoon();
    };
  }

  /** Writes what has been recorded. Never rejects: what cannot be written is said once, and tried again with the next. */
  async save(): Promise<void> {
    const { length } = this.#own;
    while (this.#written < length && (await this.#write()));
  }

  /** Resolves when everything is written that can be. Idempotent. */
  async close(): Promise<void> {
    await this.save();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A long cassette is not written again with each answer of many: the pauses are longer than the writing. */
  #writeSoon(): void {
    if (this.#timer !== undefined || this.#writing !== undefined) return;
    this.#timer = setTimeout(() => {
      void this.#write().then((isWritten) => {
        if (isWritten && this.#written < this.#own.length) this.#writeSoon();
      });
    }, this.#pauseMs).unref();
  }

  #write(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeOnce().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  async #writeOnce(): Promise<boolean> {
    const { file } = this;
    const { length } = this.#own;
    if (file === undefined) return false;
    const startedAt = performance.now();
    try {
      await mkdir(dirname(file), { recursive: true });
      await withFileLock(file, () => this.#merge(file));
      this.#written = length;
      this.#pauseMs = Math.min(MAX_PAUSE_MS, PAUSE_RATIO * (performance.now() - startedAt));
      return true;
    } catch (error) {
      this.#warn(reasonOf(error));
      return false;
    }
  }

  #warn(reason: string): void {
    if (this.#warned.has(reason)) return;
    this.#warned.add(reason);
    this.#logger.warn(`Cannot write the recordings to ${this.name}: ${reason}`);
  }

  async #merge(file: string): Promise<void> {
    const there = await readCassette(file, this.#logger);
    const recordings = this.#fresh(this.#merged(there));
    await replaceFile(file, `${JSON.stringify({ format: FORMAT, recordings }, null, 2)}\n`);
  }

  /** A request that was recorded anew leaves its old answers behind; those of other processes stay. */
  #merged(there: readonly Recording[]): Recording[] {
    const own = this.#own.map(({ recording }) => recording);
    const ownIds = new Set(own.map(({ id }) => id));
    const anew = new Set(own.map(({ request }) => requestKey(request)));
    const old = new Set(this.#found.filter(({ request }) => anew.has(requestKey(request))).map(({ id }) => id));
    return [...there.filter(({ id }) => !old.has(id) && !ownIds.has(id)), ...own];
  }

  #fresh(recordings: Recording[]): Recording[] {
    const oldest = Date.now() - this.#maxAgeMs;
    return recordings.filter(({ recordedAt }) => !(Date.parse(recordedAt) < oldest));
  }
}

async function readCassette(file: string, logger: Logger): Promise<Recording[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (reasonOf(error) === "ENOENT") return [];
    throw error;
  }
  let found: unknown[];
  try {
    found = listOf(text);
  } catch (error) {
    await quarantineFile(file, (error as Error).message, logger);
    return [];
  }
  const recordings: Recording[] = [];
  const problems: string[] = [];
  for (const [index, value] of found.entries()) {
    try {
      recordings.push(parseRecording(value));
    } catch (error) {
      problems.push(`recordings[${index}]: ${(error as Error).message}`);
    }
  }
  if (problems.length > 0) await keepCopy(file, problems, logger);
  return recordings;
}

function listOf(text: string): unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`it is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const { format, recordings } = (value ?? {}) as { format?: unknown; recordings?: unknown };
  if (format !== FORMAT) throw new Error("it is not a cassette of this version");
  if (!Array.isArray(recordings)) throw new Error("it has no list of recordings");
  return recordings;
}

/** The file goes on without what is damaged in it, which the next write would lose. */
async function keepCopy(file: string, problems: string[], logger: Logger): Promise<void> {
  const copy = `${file}.corrupt-${Date.now()}`;
  const kept = await copyFile(file, copy).then(
    () => `; the whole file is kept as ${basename(copy)}`,
    () => "",
  );
  logger.warn(`Skipping ${problems.length} damaged recordings of ${basename(file)}: ${problems[0]}${kept}`);
}
