import type { DatabaseSync } from "node:sqlite";

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
