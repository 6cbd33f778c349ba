import type { JournalAccess } from "./journal-access.ts";
import type { StoredRecord } from "../journal.ts";

/** The records of an execution from this number on, as they are now, some at a time. */
export async function* keptRecords(access: JournalAccess, id: string, from: number): AsyncGenerator<StoredRecord> {
  for (let next = from; ;) {
    const { records, isLast } = await access.ask("records", id, next);
    yield* records;
    if (isLast) return;
    next = records.at(-1)!.seq + 1;
  }
}
