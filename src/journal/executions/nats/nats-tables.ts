import { thisHolder, parseHolder } from "../../../base/process-holder.ts";
import {
  executionEnded,
  executionExists,
  executionRuns,
  journalFailed,
  unknownExecution,
} from "../execution-errors.ts";
import type { ResumeOptions } from "../journal.ts";
import { hasEnded, isRowDamaged, waitsOf } from "../tables/execution-rows.ts";
import type { MessageRow } from "../tables/execution-schema.ts";
import type { LeaseKey, WrittenStart } from "../tables/execution-table.ts";
import type { JournalLimits, JournalOps } from "../tables/journal-tables.ts";
import { questionOf, TELL_ACTIONS, type WrittenMessage } from "../tables/questions.ts";
import { weighRecords } from "../tables/record-weight.ts";
import type { BucketValues } from "./bucket-values.ts";
import type { ExecutionLog, LogEnd } from "./execution-log.ts";
import type { HeldExecutions } from "./held-executions.ts";
import type { ListedExecutions } from "./listed-executions.ts";
import { rowOf, type LogRow } from "./log-row.ts";
import type { MessageBox } from "./message-box.ts";
import { WriteConflict } from "./nats-link.ts";
import type { SessionHolders } from "./session-holders.ts";

/** Most messages that are read at a time. */
const PAGE_MESSAGES = 64;
/** Most executions that have ended here before those that ended first are forgotten. */
const PRUNE_EVERY = 100;

/** The same as of other journals' tables, but each asks a server. */
export type NatsOps = {
  [Op in Exclude<keyof JournalOps, "version">]: (
    ...args: Parameters<JournalOps[Op]>
  ) => Promise<ReturnType<JournalOps[Op]>>;
};

export interface NatsTableParts {
  log: ExecutionLog;
  box: MessageBox;
  held: HeldExecutions;
  holders: SessionHolders;
  list: ListedExecutions;
  values: BucketValues;
  limits: JournalLimits;
}

type KnownEnd = LogEnd & { row: LogRow };

/** Executions on a NATS server, for whoever begins, resumes and tells them. Each write says which one it comes after. */
export class NatsTables {
  readonly ops: NatsOps;
  readonly #parts: NatsTableParts;
  #ended = 0;

  constructor(parts: NatsTableParts) {
    this.#parts = parts;
    const { held, list, values } = parts;
    this.ops = {
      begin: (id, start) => this.#begin(id, start),
      resume: (id, _holder, options) => this.#resume(id, options),
      append: (key, records, change) => this.#written(change.state, held.write("append", key, records, change)),
      restart: (key, records, change) => held.write("restart", key, records, change),
      release: (key, change) => this.#written(change.state, held.write("release", key, [], change)),
      renew: (keys) => this.#renew(keys),
      tell: (id, message) => this.#tell(id, message),
      cancel: (id) => this.#cancel(id),
      messages: (id, after) => this.#messages(id, after),
      get: (id) => list.get(id),
      list: (filter, cursor) => list.page(filter, cursor),
      records: (id, from) => list.records(id, from),
      value: (...args) => values.get(...args),
      setValue: (...args) => values.set(...args),
      deleteValue: (...args) => values.delete(...args),
      keys: (...args) => values.list(...args),
    };
  }

  /** Which of those that are held somebody else has by now; says that this process is there. */
  async heartbeat(): Promise<void> {
    const { held, holders } = this.#parts;
    if (held.size === 0) return;
    await holders.say();
    for (const { id } of await this.#renew(held.keys())) held.lose(id, (await this.#parts.log.last(id)).at === 0);
  }

  async #begin(id: string, { script, tenant, details, records = [] }: WrittenStart): Promise<LeaseKey> {
    const { log, held, holders, limits } = this.#parts;
    const bytes = weighRecords(id, records, 0, limits);
    await holders.say();
    const end = await log.last(id);
    if (end.row !== undefined) throw executionExists(id);
    const now = Date.now();
    const row: LogRow = {
      id,
      state: "running",
      script,
      tenant: tenant ?? null,
      attempt: 1,
      fence: 1,
      created_at: now,
      updated_at: now,
      waits_for: "[]",
      due_at: null,
      exit_code: null,
      error: null,
      holder: thisHolder(),
      session: holders.own,
      first_seq: 1,
      last_seq: records.length,
      bytes,
      order: performance.timeOrigin + performance.now(),
      details_at: await log.keepDetails(id, details),
      answered: [],
      taken: [],
    };
    try {
      const { at } = await log.write(id, end, row, records);
      return held.add({ row, at });
    } catch (error) {
      throw error instanceof WriteConflict ? executionExists(id) : error;
    }
  }

  async #resume(id: string, { tenant, takeOver = false }: ResumeOptions): Promise<LeaseKey> {
    const { held, holders } = this.#parts;
    await holders.say();
    const end = await this.#change(id, async (row) => {
      if (row === undefined || (tenant !== undefined && row.tenant !== tenant))
        throw unknownExecution("resume the execution", id);
      if (hasEnded(row.state)) throw executionEnded("resume the execution", id, row.state);
      if (isRowDamaged(rowOf(row))) throw journalFailed(`what is kept of the execution ${id} is damaged`);
      if (!takeOver && (await this.#isHeld(row))) throw executionRuns(id, parseHolder(row.holder)!);
      const [attempt, fence] = [row.attempt + 1, row.fence + 1];
      const who = { holder: thisHolder(), session: holders.own };
      return { ...row, ...who, state: "running", attempt, fence, updated_at: Date.now() };
    });
    return held.add(end);
  }

  async #renew(keys: readonly LeaseKey[]): Promise<LeaseKey[]> {
    const lost: LeaseKey[] = [];
    for (const key of keys) {
      const { row } = await this.#parts.log.last(key.id);
      if (row?.fence !== key.fence) lost.push(key);
    }
    return lost;
  }

  async #tell(id: string, message: WrittenMessage): Promise<void> {
    const { box, log, limits } = this.#parts;
    const { row } = await log.last(id);
    if (row === undefined) throw unknownExecution(TELL_ACTIONS[message.kind], id);
    if (hasEnded(row.state)) throw executionEnded(TELL_ACTIONS[message.kind], id, row.state);
    await box.checkRoom(id, message, limits);
    if (message.kind === "send") return box.add(id, message);
    const answered = new Set(row.answered);
    for await (const { question } of box.waiting(id)) if (question !== null) answered.add(question);
    const how = { isAnswered: (number: number) => answered.has(number), now: Date.now() };
    const question = questionOf(id, waitsOf(rowOf(row)), message, how);
    await box.add(id, { ...message, question });
  }

  /** One that nobody runs ends at once, and who may have thought to run it can write no more. */
  async #cancel(id: string): Promise<void> {
    const { box, held } = this.#parts;
    const end = await this.#change(id, async (row) => {
      if (row === undefined) throw unknownExecution(TELL_ACTIONS.cancel, id);
      if (hasEnded(row.state)) throw executionEnded(TELL_ACTIONS.cancel, id, row.state);
      if (await this.#isHeld(row)) return undefined;
      const over = { state: "failed", error: "the execution was cancelled", exit_code: 130, holder: null };
      return { ...row, ...over, fence: row.fence + 1, waits_for: "[]", due_at: null, updated_at: Date.now() };
    });
    if (end.row.state === "failed") held.lose(id);
    else await box.cancel(id);
  }

  async #messages(id: string, after: number): Promise<MessageRow[]> {
    const { box, held, log } = this.#parts;
    const row = held.rowOf(id) ?? (await log.last(id)).row;
    for (let from = after; ;) {
      const found = await box.read(id, from, PAGE_MESSAGES);
      for (const { number, question } of found) if (question !== null) held.noteQuestion(id, number, question);
      const waiting = found.filter(({ number }) => row?.taken.includes(number) !== true);
      if (waiting.length > 0 || found.length < PAGE_MESSAGES) return waiting;
      from = found.at(-1)!.number;
    }
  }

  /** Changes how an execution stands, from what it is when nobody else changes it; undefined leaves it as it is. */
  async #change(id: string, change: (row: LogRow | undefined) => Promise<LogRow | undefined>): Promise<KnownEnd> {
    const { log } = this.#parts;
    for (;;) {
      const before = await log.last(id);
      const row = await change(before.row);
      if (row === undefined) return { ...before, row: before.row! };
      try {
        const { at } = await log.write(id, before, row, []);
        return { row, at };
      } catch (error) {
        // Somebody was faster: it may be another case now.
        if (!(error instanceof WriteConflict)) throw error;
      }
    }
  }

  async #isHeld(row: LogRow): Promise<boolean> {
    const { held, holders } = this.#parts;
    return row.session === holders.own ? held.has(row.id) : holders.isHeld(row);
  }

  async #written(state: string | undefined, write: Promise<void>): Promise<void> {
    await write;
    if (state === undefined || !hasEnded(state) || ++this.#ended % PRUNE_EVERY !== 0) return;
    void this.#parts.list.prune(this.#parts.limits.ended).catch(() => {});
  }
}
