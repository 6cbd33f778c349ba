import type { JournalAccess } from "./journal-access.ts";
import type { StoredRecord } from "../journal.ts";
import { requireRecordNumber } from "../journal-inputs.ts";

/** The records of an execution from this number on, as they are now, some at a time. */
export async function* keptRecords(access: JournalAccess, id: string, from: number): AsyncGenerator<StoredRecord> {
  requireRecordNumber("read the execution", from);
  for (let next = from; ;) {
    const { records, isLast } = await access.ask("records", id, next);
    yield* records;
    if (isLast) return;
    next = records.at(-1)!.seq + 1;
  }
}
