import { createDeferred, type Deferred } from "../../../base/deferred.ts";
import { executionFenced, executionGone } from "../execution-errors.ts";
import type { ExecutionRecord } from "../journal.ts";
import type { LeaseKey, WrittenChange } from "../tables/execution-table.ts";
import { weighRecords, type ExecutionLimits } from "../tables/record-weight.ts";
import type { ExecutionLog, LogEnd } from "./execution-log.ts";
import type { LogRow } from "./log-row.ts";
import type { MessageBox } from "./message-box.ts";
import { WriteConflict } from "./nats-link.ts";

/** One message takes what has come meanwhile, up to so many bytes of records. */
const BATCH_BYTES = 256_000;
/** Most questions that are known to be answered: who asks is told that by number for these. */
const MAX_ANSWERED = 100;

/** The server has nothing of it. */
class Gone extends WriteConflict {}

interface Write {
  kind: "append" | "restart" | "release";
  records: readonly ExecutionRecord[];
  change: WrittenChange;
  bytes: number;
  done: Deferred<void>;
}

interface Held {
  key: LeaseKey;
  end: LogEnd & { row: LogRow };
  queue: Write[];
  isWriting: boolean;
  /** Numbers of messages that were read, and of the questions that they answer. */
  questions: Map<number, number>;
  /** Numbers of messages that were taken, and have left the box since. */
  emptied: Set<number>;
}

export interface HeldOptions {
  log: ExecutionLog;
  box: MessageBox;
  limits: ExecutionLimits;
  /** This process has written it. */
  onWritten(id: string): void;
  onLost(key: LeaseKey, isGone: boolean): void;
}

/** The executions that this process may write: one message at a time for each, with all that has come meanwhile. */
export class HeldExecutions {
  readonly #options: HeldOptions;
  readonly #held = new Map<string, Held>();

  constructor(options: HeldOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.size;
  }

  keys(): LeaseKey[] {
    return [...this.#held.values()].map(({ key }) => key);
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  add(end: LogEnd & { row: LogRow }): LeaseKey {
    const { id, attempt, fence } = end.row;
    const key = { id, attempt, fence };
    // One that this process held before was taken over.
    this.lose(id);
    this.#held.set(id, { key, end, queue: [], isWriting: false, questions: new Map(), emptied: new Set() });
    return key;
  }

  /** How one stands that this process holds, as far as it has written. */
  rowOf(id: string): LogRow | undefined {
    return this.#held.get(id)?.end.row;
  }

  noteQuestion(id: string, number: number, question: number): void {
    this.#held.get(id)?.questions.set(number, question);
  }

  async write(
    kind: Write["kind"],
    key: LeaseKey,
    records: readonly ExecutionRecord[],
    change: WrittenChange,
  ): Promise<void> {
    const held = this.#find(key);
    if (held === undefined) {
      if (kind === "release") return;
      throw executionFenced(key.id, key.attempt);
    }
    const before = kind === "restart" ? 0 : bytesOf(held);
    const bytes = weighRecords(key.id, records, before, this.#options.limits) - before;
    const done = createDeferred();
    held.queue.push({ kind, records, change, bytes, done });
    void this.#writeAll(held);
    await done.promise;
  }

  /** Somebody else has it, or it is gone: what waits to be written is refused. */
  lose(id: string, isGone = false): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    refuse(held.key, held.queue.splice(0), isGone);
    this.#options.onLost(held.key, isGone);
  }

  #find({ id, fence }: LeaseKey): Held | undefined {
    const held = this.#held.get(id);
    return held?.key.fence === fence ? held : undefined;
  }

  async #writeAll(held: Held): Promise<void> {
    if (held.isWriting) return;
    held.isWriting = true;
    // What this turn of the event loop brings goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (held.queue.length > 0) {
      const writes = nextWrites(held.queue);
      try {
        await this.#writeSome(held, writes);
        for (const { done } of writes) done.resolve();
      } catch (error) {
        if (error instanceof WriteConflict) {
          const isGone = error instanceof Gone;
          refuse(held.key, [...writes, ...held.queue.splice(0)], isGone);
          if (this.#held.get(held.key.id) === held) this.lose(held.key.id, isGone);
        } else for (const { done } of writes) done.reject(error);
      }
    }
    held.isWriting = false;
  }

  async #writeSome(held: Held, writes: readonly Write[]): Promise<void> {
    const { log, onWritten } = this.#options;
    const { id } = held.key;
    const records = writes.flatMap((write) => write.records);
    for (;;) {
      const row = rowAfter(held, writes);
      try {
        const { begins, ...end } = await log.write(id, held.end, row, records);
        held.end = { ...end, row };
        if (writes[0]!.kind === "restart") void log.forget(id, begins).catch(() => {});
        break;
      } catch (error) {
        if (!(error instanceof WriteConflict)) throw error;
        const last = await log.last(id);
        if (last.at === 0) throw new Gone();
        if (last.row?.fence !== held.key.fence) throw error;
        // It is our own: a write whose ack never came.
        held.end = { ...last, row: last.row };
      }
    }
    onWritten(id);
    const taken = writes.flatMap(({ change }) => change.taken ?? []);
    if (taken.length > 0) void this.#empty(held, taken);
    if (writes.at(-1)!.kind === "release" && this.#held.get(id) === held) this.#held.delete(id);
  }

  /** What was taken goes out of the box; until it has, the row says that it was. */
  async #empty(held: Held, taken: readonly number[]): Promise<void> {
    try {
      for (const number of taken) await this.#options.box.take(number);
      for (const number of taken) held.emptied.add(number);
    } catch {
      // The next attempt finds them taken.
    }
  }
}

function refuse({ id, attempt }: LeaseKey, writes: readonly Write[], isGone: boolean): void {
  for (const { kind, done } of writes) {
    if (kind === "release") done.resolve();
    else done.reject(isGone ? executionGone(id) : executionFenced(id, attempt));
  }
}

/** Writes that can be one message: a checkpoint is one of its own, and a release is the last. */
function nextWrites(queue: Write[]): Write[] {
  let [count, bytes] = [0, 0];
  for (const write of queue) {
    if (count > 0 && (write.kind === "restart" || bytes + write.bytes > BATCH_BYTES)) break;
    count++;
    bytes += write.bytes;
    if (write.kind !== "append") break;
  }
  return queue.splice(0, count);
}

function bytesOf({ end, queue }: Held): number {
  let { bytes } = end.row;
  for (const write of queue) bytes = (write.kind === "restart" ? 0 : bytes) + write.bytes;
  return bytes;
}

function rowAfter({ end: { row: before }, questions, emptied }: Held, writes: readonly Write[]): LogRow {
  const left = before.taken.filter((number) => !emptied.has(number));
  const row = { ...before, taken: left, updated_at: Date.now() };
  for (const { kind, records, change, bytes } of writes) {
    if (kind === "restart") {
      row.first_seq = row.last_seq + 1;
      row.bytes = 0;
    }
    row.last_seq += records.length;
    row.bytes += bytes;
    const { state, waits, taken = [], exitCode, error } = change;
    if (state !== undefined) row.state = state;
    if (exitCode !== undefined) row.exit_code = exitCode;
    if (error !== undefined) row.error = error;
    if (waits !== undefined) {
      row.waits_for = waits.text;
      row.due_at = waits.dueAt ?? null;
    }
    if (taken.length > 0) {
      const answers = taken.flatMap((number) => questions.get(number) ?? []);
      row.answered = [...row.answered, ...answers].slice(-MAX_ANSWERED);
      row.taken = [...row.taken, ...taken];
    }
    if (kind === "release") row.holder = null;
  }
  return row;
}
