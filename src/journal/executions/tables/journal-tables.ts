import type { DatabaseSync } from "node:sqlite";
import { transact } from "../../../base/sqlite.ts";
import type { ExecutionDetails, ExecutionRecord, ListExecutionsOptions, ResumeOptions } from "../journal.ts";
import { ExecutionReader, type ListCursor, type ListPage, type RecordPage } from "./execution-reader.ts";
import type { LeaseRules } from "./execution-rows.ts";
import { mendIds, migrate, type MessageRow } from "./execution-schema.ts";
import { ExecutionTable, type LeaseKey, type WrittenChange, type WrittenStart } from "./execution-table.ts";
import { MessageTable, type MessageLimits } from "./message-table.ts";
import type { WrittenMessage } from "./questions.ts";
import type { ExecutionLimits } from "./record-weight.ts";
import { Statements } from "./statements.ts";
import { ValueTable, type ValueLimits } from "./value-table.ts";
import { withDefaults } from "../../../shared/values/with-defaults.ts";
import { refuseWrong, type FieldsOf } from "../../../shared/wrong-option.ts";

export interface JournalLimits extends ExecutionLimits, MessageLimits {
  /** Most executions that have ended and are kept. */
  ended: number;
  /** What one store of values may take. */
  values: ValueLimits;
}

export const JOURNAL_LIMITS: JournalLimits = {
  recordBytes: 64_000_000,
  executionBytes: 1_000_000_000,
  messages: 10_000,
  chars: 64_000_000,
  ended: 1000,
  values: { keyChars: 512, valueChars: 1_000_000, keys: 10_000, chars: 16_000_000 },
};

const LIMIT_FIELDS: FieldsOf<JournalLimits> = {
  recordBytes: "amountOrNone",
  executionBytes: "amountOrNone",
  messages: "amountOrNone",
  chars: "amountOrNone",
  ended: "amountOrNone",
  values: true,
};
const VALUE_FIELDS: FieldsOf<ValueLimits> = {
  keyChars: "amountOrNone",
  valueChars: "amountOrNone",
  keys: "amountOrNone",
  chars: "amountOrNone",
};

/**
 * The limits with their defaults.
 *
 * @throws {GeppettoError} ConfigError for an unknown one, and one that is not a number.
 */
export function withLimits(limits: Partial<JournalLimits> = {}): JournalLimits {
  refuseWrong("limit the journal", limits, LIMIT_FIELDS);
  if (limits.values !== undefined) refuseWrong("limit the values of the journal", limits.values, VALUE_FIELDS);
  return {
    ...withDefaults(JOURNAL_LIMITS, limits),
    values: withDefaults(JOURNAL_LIMITS.values, limits.values ?? {}),
  };
}

/** Most messages that are read at a time. */
const PAGE_MESSAGES = 64;

/** What can be asked of a journal's tables, and what each gives. What crosses to another thread can be copied. */
export interface JournalOps {
  begin(id: string, start: WrittenStart, holder: string): LeaseKey;
  resume(id: string, holder: string, options: ResumeOptions): LeaseKey;
  append(key: LeaseKey, records: readonly ExecutionRecord[], change: WrittenChange): void;
  restart(key: LeaseKey, records: readonly ExecutionRecord[], change: WrittenChange): void;
  release(key: LeaseKey, change: WrittenChange): void;
  renew(keys: readonly LeaseKey[]): LeaseKey[];
  tell(id: string, message: WrittenMessage): void;
  cancel(id: string): void;
  setValue(store: string, key: string, value: string): void;
  deleteValue(store: string, key: string): boolean;
  get(id: string): ExecutionDetails | undefined;
  list(filter: Omit<ListExecutionsOptions, "limit">, cursor?: ListCursor): ListPage;
  records(id: string, from: number): RecordPage;
  messages(id: string, after: number): MessageRow[];
  value(store: string, key: string): string | undefined;
  keys(store: string, prefix: string): string[];
  version(id: string): string;
}

export type JournalOp = keyof JournalOps;

/** Ops that change nothing: a full disk does not keep anybody from reading. */
const READS: ReadonlySet<JournalOp> = new Set(["get", "list", "records", "messages", "value", "keys", "version"]);

/** The tables of a journal in a database. */
export class JournalTables {
  readonly ops: JournalOps;
  readonly #database: DatabaseSync;

  /** @throws {GeppettoError} ERR_JOURNAL_VERSION; {Error} of SQLite. */
  constructor(database: DatabaseSync, rules: LeaseRules, limits: JournalLimits = JOURNAL_LIMITS) {
    this.#database = database;
    migrate(database);
    mendIds(database);
    const sql = new Statements(database);
    const executions = new ExecutionTable(sql, rules, limits);
    const messages = new MessageTable(sql, rules, limits);
    const values = new ValueTable(sql, limits.values);
    const reader = new ExecutionReader(sql, rules);
    this.ops = {
      begin: (...args) => executions.begin(...args),
      resume: (...args) => executions.resume(...args),
      append: (...args) => executions.append(...args),
      restart: (...args) => executions.restart(...args),
      release: (...args) => executions.release(...args),
      renew: (...args) => executions.renew(...args),
      tell: (...args) => messages.add(...args),
      cancel: (...args) => messages.cancel(...args),
      setValue: (...args) => values.set(...args),
      deleteValue: (...args) => values.delete(...args),
      get: (...args) => reader.get(...args),
      list: (...args) => reader.list(...args),
      records: (...args) => reader.records(...args),
      messages: (id, after) => messages.read(id, after, PAGE_MESSAGES),
      value: (...args) => values.get(...args),
      keys: (...args) => values.list(...args),
      version: (...args) => reader.version(...args),
    };
    transact(database, () => executions.prune(limits.ended));
  }

  static isRead(op: JournalOp): boolean {
    return READS.has(op);
  }

  /** Does some work that reads, as of one moment. */
  read<T>(work: () => T): T {
    this.#database.exec("BEGIN");
    try {
      return work();
    } finally {
      if (this.#database.isTransaction) this.#database.exec("COMMIT");
    }
  }

  /** Does all of some work, or nothing. */
  write(work: () => void): void {
    transact(this.#database, work);
  }
}
