import { machineUptime } from "../../../base/process-holder.ts";
import type { ExecutionRow } from "../tables/execution-schema.ts";

/** What is known of an execution: with each message of its log, so that the last one says how it stands. */
export interface LogRow extends Omit<ExecutionRow, "key" | "told" | "seen_at" | "seen_uptime" | "is_answered"> {
  /** The larger, the later it was begun. */
  order: number;
  /** Which journal holds it, of all that are open. */
  session: string;
  /** Where its details are, in the same stream. */
  details_at: number;
  /** Questions whose answers were taken, the latest. */
  answered: readonly number[];
  /** Messages that were taken, and may still be in the box. */
  taken: readonly number[];
}

/** The first part of a message in a log. */
export interface LogHead {
  /** Which write it is: one that is made again, since its ack was lost, is known by it. */
  write: string;
  /** How the execution stands: with the last part of a write after it, before that as it stood before; null where there is none yet. */
  row: LogRow | null;
  /** How many parts the write has, and which one this is, from 1. */
  parts: number;
  part: number;
  /** Where the first part is; absent in that one. */
  begins?: number;
}

/** What a log says of an execution, as a table does of one that was heard of just now. */
export function rowOf(row: LogRow): ExecutionRow {
  return { ...row, key: row.order, told: 0, is_answered: 0, seen_at: Date.now(), seen_uptime: machineUptime() };
}
