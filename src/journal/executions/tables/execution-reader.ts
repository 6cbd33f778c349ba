import type { SQLInputValue } from "node:sqlite";
import type { ExecutionDetails, ExecutionFacts, ListExecutionsOptions, StoredRecord } from "../journal.ts";
import { damagedRecord, hasEnded, toFacts, toRecord, type LeaseRules } from "./execution-rows.ts";
import type { ExecutionRow, RecordRow } from "./execution-schema.ts";
import { readValue } from "./read-value.ts";
import type { Statements } from "./statements.ts";

/** Most rows, and about as many characters and bytes, that are read at a time. */
const PAGE_ROWS = 256;
const PAGE_CHARS = 4_000_000;

/** Where a list goes on. */
export interface ListCursor {
  key: number;
  /** Of those that are due; absent while answered ones are listed. */
  dueAt?: number;
}

export interface ListPage {
  executions: ExecutionFacts[];
  /** Absent where this was the last page. */
  next?: ListCursor;
}

export interface RecordPage {
  records: StoredRecord[];
  /** Are there no more now? */
  isLast: boolean;
  /** Will there never be more? */
  hasEnded: boolean;
}

type Filter = Omit<ListExecutionsOptions, "limit">;

/** What is known of executions, some at a time. */
export class ExecutionReader {
  readonly #sql: Statements;
  readonly #rules: LeaseRules;

  constructor(sql: Statements, rules: LeaseRules) {
    this.#sql = sql;
    this.#rules = rules;
  }

  get(id: string): ExecutionDetails | undefined {
    const row = this.#sql.execution(id);
    if (row === undefined) return undefined;
    const details = this.#details(row.key);
    return {
      ...toFacts(row, this.#rules),
      details: details ?? {},
      ...(details === undefined ? { isDamaged: true } : {}),
    };
  }

  /** One page of a list: of what is due first the answered ones, then by the time at which they were. */
  list({ state, tenant, due }: Filter, cursor?: ListCursor): ListPage {
    if (due !== undefined)
      return state === undefined || state === "suspended" ? this.#due(due, tenant, cursor) : NOTHING;
    const [before, whose] = [cursor?.key ?? Number.MAX_SAFE_INTEGER, tenant ?? null];
    const rows =
      state === undefined
        ? this.#rows(`WHERE key < ?1 AND (?2 IS NULL OR tenant = ?2) ORDER BY key DESC`, before, whose)
        : this.#rows(
            `WHERE state = ?3 AND key < ?1 AND (?2 IS NULL OR tenant = ?2) ORDER BY key DESC`,
            before,
            whose,
            state,
          );
    return this.#page(rows, ({ key }) => ({ key }));
  }

  /** Records from this number on. What is not what was written throws ERR_JOURNAL. */
  records(id: string, from: number): RecordPage {
    const row = this.#sql.execution(id);
    if (row === undefined) return { records: [], isLast: true, hasEnded: true };
    const records: StoredRecord[] = [];
    let next = Math.max(from, row.first_seq);
    let chars = 0;
    const sql = "SELECT * FROM records WHERE execution = ? AND seq >= ? ORDER BY seq LIMIT ?";
    for (const record of this.#sql.iterate<RecordRow>(sql, row.key, next, PAGE_ROWS)) {
      if (record.seq !== next) throw damagedRecord(id, next);
      records.push(toRecord(id, record));
      next++;
      chars += record.text.length + (record.buffers?.length ?? 0);
      if (chars > PAGE_CHARS) break;
    }
    const isLast = next > row.last_seq;
    if (!isLast && records.length === 0) throw damagedRecord(id, next);
    return { records, isLast, hasEnded: hasEnded(row.state) };
  }

  /** A text that is another one whenever something of the execution has changed that others wait for. */
  version(id: string): string {
    const row = this.#sql.get("SELECT state, fence, last_seq, told FROM executions WHERE id = ?", id);
    return JSON.stringify(row ?? null);
  }

  /** SQLite's own choice among the indices is made without knowing how few are due. */
  #due(due: number, tenant: string | undefined, cursor: ListCursor | undefined): ListPage {
    const whose = tenant ?? null;
    const suspended = "state = 'suspended' AND (?1 IS NULL OR tenant = ?1)";
    if (cursor?.dueAt === undefined) {
      const sql = `INDEXED BY executions_answered WHERE ${suspended} AND is_answered = 1 AND key > ?2 ORDER BY key`;
      const page = this.#page(this.#rows(sql, whose, cursor?.key ?? 0), ({ key }) => ({ key }));
      return page.next === undefined ? { ...page, next: FIRST_DUE } : page;
    }
    const sql = `INDEXED BY executions_due WHERE ${suspended} AND due_at <= ?2 AND is_answered = 0
      AND (due_at, key) > (?3, ?4) ORDER BY due_at, key`;
    return this.#page(this.#rows(sql, whose, due, cursor.dueAt, cursor.key), (row) => ({
      key: row.key,
      dueAt: row.due_at!,
    }));
  }

  #rows(which: string, ...values: SQLInputValue[]): ExecutionRow[] {
    return this.#sql.all<ExecutionRow>(`SELECT * FROM executions ${which} LIMIT ${PAGE_ROWS}`, ...values);
  }

  #page(rows: readonly ExecutionRow[], cursorOf: (row: ExecutionRow) => ListCursor): ListPage {
    const executions = rows.map((row) => toFacts(row, this.#rules));
    return rows.length < PAGE_ROWS ? { executions } : { executions, next: cursorOf(rows.at(-1)!) };
  }

  #details(key: number): Record<string, unknown> | undefined {
    const row = this.#sql.get("SELECT text FROM details WHERE execution = ?", key) as { text: string } | undefined;
    try {
      const details = row && readValue(row.text);
      return typeof details === "object" && details !== null ? (details as Record<string, unknown>) : undefined;
    } catch {
      return undefined;
    }
  }
}

const NOTHING: ListPage = { executions: [] };
const FIRST_DUE: ListCursor = { key: 0, dueAt: Number.MIN_SAFE_INTEGER };
