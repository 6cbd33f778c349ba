import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";

/** Does all of `work` in a database, or nothing; throws what it throws. */
export function transact(database: DatabaseSync, work: (database: DatabaseSync) => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    work(database);
    database.exec("COMMIT");
  } catch (error) {
    // Some failures have rolled it back already.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** The latest time that a Date can hold, in milliseconds since the epoch. */
const LARGEST = 8_640_000_000_000_000n;

/**
 * The rows that a statement gives, one after the other. An integer that is too large for a number, or for a time, comes
 * as the largest one: Node would throw, and one such row would hide all others.
 */
export function* readRows<Row>(statement: StatementSync, ...values: SQLInputValue[]): Generator<Row, void, undefined> {
  statement.setReadBigInts(true);
  for (const row of statement.iterate(...values)) yield withNumbers(row) as Row;
}

/** The first row that a statement gives, read likewise; undefined where it gives none. */
export function readRow(statement: StatementSync, ...values: SQLInputValue[]): unknown {
  statement.setReadBigInts(true);
  const row = statement.get(...values);
  return row && withNumbers(row);
}

function withNumbers(row: Record<string, SQLOutputValue>): Record<string, SQLOutputValue> {
  for (const column in row) {
    const value = row[column];
    if (typeof value !== "bigint") continue;
    row[column] = Number(value > LARGEST ? LARGEST : value < -LARGEST ? -LARGEST : value);
  }
  return row;
}
