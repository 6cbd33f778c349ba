import { thisHolder } from "../../base/process-holder.ts";
import { encodeValue } from "../../shared/codec.ts";
import { ChangeSignal } from "./access/change-signal.ts";
import {
  isExecutionId,
  journalFailed,
  overJournalLimit,
  parseExecutionId,
  requireYesOrNo,
  unknownExecution,
} from "./execution-errors.ts";
import type {
  Answer,
  ExecutionDetails,
  ExecutionFacts,
  ExecutionLease,
  ExecutionStart,
  FollowOptions,
  Journal,
  KeyValueStore,
  ListExecutionsOptions,
  Resolution,
  ResumeOptions,
  StoredRecord,
} from "./journal.ts";
import type { JournalAccess } from "./access/journal-access.ts";
import {
  checkListOptions,
  numbered,
  parseResolution,
  requireRecordNumber,
  requireTenant,
  requireText,
  unfit,
} from "./journal-inputs.ts";
import { keptRecords } from "./access/kept-records.ts";
import { StoredLease } from "./stored-lease.ts";
import type { ListCursor } from "./tables/execution-reader.ts";
import type { LeaseKey } from "./tables/execution-table.ts";
import type { WrittenMessage } from "./tables/questions.ts";
import { refuseWrong } from "../../shared/wrong-option.ts";
import { readValue } from "./tables/read-value.ts";

/** Longest name of what is sent, longest note, and longest message, in characters. */
const MAX_NAME_CHARS = 256;
const MAX_NOTE_CHARS = 10_000;
const MAX_MESSAGE_CHARS = 1_000_000;

/** A journal whose executions are kept in tables. */
export abstract class StoredJournal implements Journal {
  readonly #access: JournalAccess;
  readonly #leases = new Set<StoredLease>();
  #closed: Promise<void> | undefined;

  constructor(access: JournalAccess) {
    this.#access = access;
  }

  async begin(id: string, given: ExecutionStart): Promise<ExecutionLease> {
    const { details = {}, ...start } = given ?? {};
    requireText("begin an execution", "script", start.script);
    requireTenant("begin an execution", start.tenant);
    const written = { ...start, details: encodeValue(details) };
    return this.#lease(await this.#access.ask("begin", parseExecutionId(id), written, thisHolder()));
  }

  async resume(id: string, options: ResumeOptions = {}): Promise<ExecutionLease> {
    refuseWrong("resume the execution", options, { tenant: true, takeOver: true });
    requireTenant("resume the execution", options.tenant);
    return this.#lease(await this.#access.ask("resume", parseExecutionId(id), thisHolder(), options));
  }

  async get(id: string): Promise<ExecutionDetails | undefined> {
    return isExecutionId(id) ? this.#access.ask("get", id) : undefined;
  }

  async *list(options: ListExecutionsOptions = {}): AsyncGenerator<ExecutionFacts> {
    checkListOptions(options);
    refuseWrong("list executions", options, { state: true, tenant: true, due: "amountOrNone", limit: "amountOrNone" });
    const { limit = Infinity, ...filter } = options;
    let count = 0;
    let cursor: ListCursor | undefined;
    do {
      const page = await this.#access.ask("list", filter, cursor);
      for (const facts of page.executions) {
        if (count++ >= limit) return;
        yield facts;
      }
      cursor = page.next;
    } while (cursor !== undefined && count < limit);
  }

  async *records(id: string, from = 1): AsyncGenerator<StoredRecord> {
    await this.#mustExist("read the execution", id);
    yield* keptRecords(this.#access, id, from);
  }

  async *follow(id: string, options: FollowOptions = {}): AsyncGenerator<StoredRecord> {
    const { from = 1, signal } = options;
    requireRecordNumber("follow the execution", from);
    refuseWrong("follow the execution", options, { from: "countOrNone", signal: true });
    signal?.throwIfAborted();
    await this.#mustExist("follow the execution", id);
    using changes = new ChangeSignal(this.#access, id, "all", signal);
    for (let next = from; ;) {
      changes.expect();
      const { records, isLast, hasEnded } = await this.#access.ask("records", id, next);
      for (const record of records) {
        signal?.throwIfAborted();
        yield record;
      }
      next = (records.at(-1)?.seq ?? next - 1) + 1;
      if (isLast && hasEnded) return;
      if (isLast) await changes.next();
      signal?.throwIfAborted();
    }
  }

  async send(id: string, name: string, payload?: unknown): Promise<void> {
    if (typeof name !== "string" || name === "" || name.length > MAX_NAME_CHARS)
      throw unfit("send a message", `its name must be a text of 1 to ${MAX_NAME_CHARS} characters`);
    await this.#tell(id, "send a message", { kind: "send", name, text: encodeValue({ payload }) });
  }

  async approve(id: string, answer: Answer): Promise<void> {
    const { approved, question, by, note } = answer ?? {};
    requireYesOrNo(approved);
    if (typeof by !== "string" || by === "") throw unfit("answer", "by must say whose answer it is");
    if (note !== undefined && (typeof note !== "string" || note.length > MAX_NOTE_CHARS))
      throw unfit("answer", `note must be a text of at most ${MAX_NOTE_CHARS} characters`);
    const at = new Date().toISOString();
    const text = encodeValue({
      approved,
      by: by.slice(0, MAX_NAME_CHARS),
      ...(note === undefined ? {} : { note }),
      at,
    });
    await this.#tell(id, "answer", { kind: "approve", ...numbered("answer", question), text });
  }

  async resolve(id: string, how: Resolution, question?: number): Promise<void> {
    const text = encodeValue({ how: parseResolution(how) });
    await this.#tell(id, "resolve the call", { kind: "resolve", ...numbered("resolve the call", question), text });
  }

  async cancel(id: string): Promise<void> {
    if (!isExecutionId(id)) throw unknownExecution("cancel the execution", id);
    await this.#access.ask("cancel", id);
  }

  store(name: string): KeyValueStore {
    const access = this.#access;
    requireText("use a store", "its name", name);
    const check = (key: string): void => requireText("use the store", "a key", key);
    return {
      get: async (key) => {
        check(key);
        const text = await access.ask("value", name, key);
        if (text === undefined) return undefined;
        try {
          return readValue(text);
        } catch (error) {
          throw journalFailed(
            `the value ${JSON.stringify(key)} in the store ${JSON.stringify(name)} is damaged`,
            error,
          );
        }
      },
      set: async (key, value) => {
        check(key);
        await access.ask("setValue", name, key, encodeValue(value));
      },
      delete: async (key) => {
        check(key);
        return access.ask("deleteValue", name, key);
      },
      list: async (prefix = "") => {
        check(prefix);
        return access.ask("keys", name, prefix);
      },
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#leases].map((lease) => lease.release()));
    await this.#access.close();
  }

  #lease(key: LeaseKey): StoredLease {
    const lease = new StoredLease(this.#access, key, (own) => this.#leases.delete(own));
    this.#leases.add(lease);
    return lease;
  }

  async #mustExist(action: string, id: string): Promise<void> {
    if ((await this.get(id)) === undefined) throw unknownExecution(action, id);
  }

  async #tell(id: string, action: string, message: WrittenMessage): Promise<void> {
    if (!isExecutionId(id)) throw unknownExecution(action, id);
    if (message.text.length > MAX_MESSAGE_CHARS)
      throw overJournalLimit(action, `it is larger than ${MAX_MESSAGE_CHARS} characters of JSON`);
    await this.#access.ask("tell", id, message);
  }
}
