import { machineUptime } from "../../../base/process-holder.ts";
import type { ExecutionRow } from "../tables/execution-schema.ts";
import type { LogRow } from "./log-message.ts";

/** What a log says of an execution, as a table does of one that was heard of just now. */
export function rowOf(row: LogRow): ExecutionRow {
  return { ...row, key: row.order, told: 0, is_answered: 0, seen_at: Date.now(), seen_uptime: machineUptime() };
}
