import { expect } from "vitest";
import type { Journal, StoredRecord, Waiting } from "../../../src/journal/executions/journal.ts";
import type { JournalLimits } from "../../../src/journal/executions/tables/journal-tables.ts";

export interface JournalFixture {
  /** A journal with nothing in it. */
  create(limits?: Partial<JournalLimits>): Promise<Journal> | Journal;
  /** Another journal with the same in it, as another process has one; absent where there can be none. */
  createPeer?(): Promise<Journal> | Journal;
  /** Runs after each test, once its journals are closed. */
  clean?(): Promise<void>;
}

/** Makes a journal that is closed after the test. */
export type CreateJournal = (limits?: Partial<JournalLimits>) => Promise<Journal>;

export const code = (expected: string): object => expect.objectContaining({ code: expected });

export const record = (text: string, kind = "note"): { kind: string; text: string } => ({ kind, text });

export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

export async function texts(source: AsyncIterable<StoredRecord>): Promise<string[]> {
  return (await all(source)).map(({ text }) => text);
}

/** The first so many. */
export async function first<T>(source: AsyncIterable<T>, count: number): Promise<T[]> {
  const items: T[] = [];
  if (count === 0) return items;
  for await (const item of source) {
    items.push(item);
    if (items.length === count) break;
  }
  return items;
}

/** An execution that waits for these, and that nobody runs. */
export async function suspend(journal: Journal, id: string, waitsFor: readonly Waiting[]): Promise<void> {
  const lease = await journal.begin(id, { script: "order.js" });
  await lease.release({ state: "suspended", waitsFor });
}
