import { overJournalLimit } from "../execution-errors.ts";
import type { ExecutionRecord } from "../journal.ts";

/** What the records of one execution may take, in bytes or characters. */
export interface ExecutionLimits {
  recordBytes: number;
  executionBytes: number;
}

/**
 * How much an execution has with these records, beside the bytes that it has already.
 *
 * @throws {GeppettoError} ERR_JOURNAL_LIMIT where that is too much.
 */
export function weighRecords(
  id: string,
  records: readonly ExecutionRecord[],
  bytes: number,
  { recordBytes, executionBytes }: ExecutionLimits,
): number {
  let all = bytes;
  for (const { kind, text, buffers = [] } of records) {
    const size = buffers.reduce((sum, { length }) => sum + length, text.length);
    if (size > recordBytes) {
      const over = `a record "${kind}" of ${inMB(size)} is larger than ${inMB(recordBytes)}`;
      throw overJournalLimit(`keep what the execution ${id} does`, over);
    }
    all += size;
  }
  if (all <= executionBytes) return all;
  throw overJournalLimit(
    `keep what the execution ${id} does`,
    `its journal is larger than ${inMB(executionBytes)}; execution.checkpoint(state) begins a new one`,
  );
}

function inMB(bytes: number): string {
  return `${Math.round(bytes / 10_000) / 100} MB`;
}
