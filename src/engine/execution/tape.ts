import { createDeferred, type Deferred } from "../../base/deferred.ts";
import type { ExecutionChange, ExecutionLease, ExecutionRecord } from "../../journal/executions/journal.ts";
import { RECORDS } from "./tape-record.ts";

interface Batch {
  records: ExecutionRecord[];
  change: ExecutionChange | undefined;
  stored: Deferred<void>;
}

/** What is to stand after the record of what is being served. */
interface Following {
  records: { record: ExecutionRecord; change: ExecutionChange | undefined }[];
  added: Deferred<void>;
}

function newBatch(): Batch {
  const stored = createDeferred();
  // Not everybody who adds to it waits for it.
  stored.promise.catch(() => {});
  return { records: [], change: undefined, stored };
}

/**
 * Writes the records of one attempt, in order: those of one turn of the event loop, and those that come while others are
 * being written, together. When some cannot be written, none are any more, and the attempt ends.
 */
export class Tape {
  readonly #lease: Pick<ExecutionLease, "append" | "appendSync">;
  readonly #onFailure: (error: unknown) => void;
  #batch: Batch = newBatch();
  #following: Following | undefined;
  #isScheduled = false;
  #isWriting = false;
  #failure: { error: unknown } | undefined;
  #isClosed = false;
  #lastMs = 0;

  /** @param onFailure told once, when records cannot be written */
  constructor(lease: Pick<ExecutionLease, "append" | "appendSync">, onFailure: (error: unknown) => void) {
    this.#lease = lease;
    this.#onFailure = onFailure;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Adds what `serve` leads to after the record of what it has served, where there is one. */
  pushServed<T>(serve: () => T, toRecord: (answer: T) => ExecutionRecord | undefined): T {
    const following: Following = { records: [], added: createDeferred() };
    this.#following = following;
    try {
      const answer = serve();
      this.#following = undefined;
      const record = toRecord(answer);
      if (record !== undefined) this.push(record);
      return answer;
    } finally {
      this.#following = undefined;
      for (const { record, change } of following.records) this.push(record, change);
      following.added.resolve();
    }
  }

  /** Adds a record, after the host's time where that has changed. */
  push(record: ExecutionRecord, change?: ExecutionChange): void {
    if (this.#isClosed) return;
    if (this.#following === undefined) this.pushFirst(record, change);
    else this.#following.records.push({ record, change });
  }

  /** The same, before the record of what is being served. */
  pushFirst(record: ExecutionRecord, change?: ExecutionChange): void {
    if (this.#isClosed) return;
    const ms = Date.now();
    const { records } = this.#batch;
    if (ms !== this.#lastMs) {
      this.#lastMs = ms;
      records.push({ kind: RECORDS.time, text: String(ms) });
    }
    records.push(record);
    if (change !== undefined) this.change(change);
    this.#schedule();
  }

  /** Changes what is known of the execution, together with the next records. */
  change(change: ExecutionChange): void {
    if (this.#isClosed) return;
    const { taken = [] } = this.#batch.change ?? {};
    this.#batch.change = { ...this.#batch.change, ...change };
    if (change.taken !== undefined) this.#batch.change.taken = [...taken, ...change.taken];
    this.#schedule();
  }

  /** Resolves when all that was added so far is kept; rejects when it cannot be. */
  stored(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#following !== undefined) return this.#following.added.promise.then(() => this.stored());
    if (this.#batch.records.length > 0 || this.#batch.change !== undefined) return this.#batch.stored.promise;
    return this.#isWriting ? this.#writing.promise : Promise.resolve();
  }

  /** Keeps all that was added so far before it returns. @throws {GeppettoError} when it cannot be. */
  storeNow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    const { records, change, stored } = this.#batch;
    if (records.length === 0 && change === undefined) return;
    this.#batch = newBatch();
    try {
      this.#lease.appendSync(records, change);
      stored.resolve();
    } catch (error) {
      this.#fail(error);
      stored.reject(error);
      throw error;
    }
  }

  /** Nothing is added any more; what was added is still kept. */
  close(): void {
    this.#isClosed = true;
  }

  #writing: Deferred<void> = createDeferred();

  #schedule(): void {
    if (this.#isScheduled || this.#isWriting) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      void this.#write();
    });
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return;
    while (this.#failure === undefined && (this.#batch.records.length > 0 || this.#batch.change !== undefined)) {
      const { records, change, stored } = this.#batch;
      this.#batch = newBatch();
      this.#isWriting = true;
      this.#writing = stored;
      try {
        await this.#lease.append(records, change);
        stored.resolve();
      } catch (error) {
        this.#fail(error);
        stored.reject(error);
      }
      this.#isWriting = false;
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#isClosed = true;
    this.#batch.stored.reject(error);
    this.#onFailure(error);
  }
}
