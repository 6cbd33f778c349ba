import { overStoreLimit } from "../execution-errors.ts";
import type { Statements } from "./statements.ts";

/** What one store may hold. */
export interface ValueLimits {
  keyChars: number;
  valueChars: number;
  keys: number;
  chars: number;
}

/** Values by the names of their store and key, as texts. */
export class ValueTable {
  readonly #sql: Statements;
  readonly #limits: ValueLimits;

  constructor(sql: Statements, limits: ValueLimits) {
    this.#sql = sql;
    this.#limits = limits;
  }

  get(store: string, key: string): string | undefined {
    const sql = "SELECT value FROM stored_values WHERE store = ? AND key = ?";
    return (this.#sql.get(sql, store, key) as { value: string } | undefined)?.value;
  }

  set(store: string, key: string, value: string): void {
    const { keyChars, valueChars, keys, chars } = this.#limits;
    if (key.length > keyChars) throw overStoreLimit(`its key is longer than ${keyChars} characters`);
    if (value.length > valueChars) throw overStoreLimit(`it is larger than ${valueChars} characters`);
    const others = this.#sql.get(
      `SELECT count(*) AS count, coalesce(sum(octet_length(key) + octet_length(value)), 0) AS size FROM stored_values
       WHERE store = ? AND key <> ?`,
      store,
      key,
    ) as { count: number; size: number };
    if (others.count >= keys) throw overStoreLimit(`the store has ${keys} keys, as many as it may`);
    if (others.size + key.length + value.length > chars)
      throw overStoreLimit(`the store holds ${chars} characters at most`);
    this.#sql.run("INSERT OR REPLACE INTO stored_values (store, key, value) VALUES (?, ?, ?)", store, key, value);
  }

  delete(store: string, key: string): boolean {
    return this.#sql.run("DELETE FROM stored_values WHERE store = ? AND key = ?", store, key) > 0;
  }

  list(store: string, prefix: string): string[] {
    const sql = "SELECT key FROM stored_values WHERE store = ?1 AND substr(key, 1, length(?2)) = ?2 ORDER BY key";
    return this.#sql.all<{ key: string }>(sql, store, prefix).map(({ key }) => key);
  }
}
