import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { readRow, readRows } from "../../../base/sqlite.ts";
import type { ExecutionRow } from "./execution-schema.ts";

/** Statements of a database, each prepared once. */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** How many rows it has changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  /** The first row; undefined where there is none. */
  get(sql: string, ...values: SQLInputValue[]): unknown {
    return readRow(this.#prepare(sql), ...values);
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return [...readRows<Row>(this.#prepare(sql), ...values)];
  }

  /** One after the other; nothing else is to be done with the same statement meanwhile. */
  iterate<Row>(sql: string, ...values: SQLInputValue[]): IterableIterator<Row> {
    return readRows<Row>(this.#prepare(sql), ...values);
  }

  execution(id: string): ExecutionRow | undefined {
    return this.get("SELECT * FROM executions WHERE id = ?", id) as ExecutionRow | undefined;
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const made = this.#database.prepare(sql);
    this.#prepared.set(sql, made);
    return made;
  }
}
