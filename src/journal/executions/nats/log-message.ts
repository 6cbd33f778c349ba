import type { ExecutionRecord, StoredRecord } from "../journal.ts";
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

export interface LogMessage {
  head: LogHead;
  body: Uint8Array;
}

export function encodeMessage(head: LogHead, body: Uint8Array): Uint8Array {
  return withLength(JSON.stringify(head), [body]);
}

/** @throws {Error} for other bytes than those of a message. */
export function decodeMessage(bytes: Uint8Array): LogMessage {
  const { json, rest } = splitLength(bytes);
  return { head: json as LogHead, body: rest };
}

/** Some records as one run of bytes. */
export function encodeRecords(records: readonly ExecutionRecord[]): Uint8Array {
  if (records.length === 0) return new Uint8Array(0);
  const pieces: Uint8Array[] = [];
  const index = records.map(({ kind, text, buffers = [] }) => {
    const bytes = Buffer.from(text);
    pieces.push(bytes, ...buffers);
    return [kind, bytes.length, ...buffers.map(({ length }) => length)];
  });
  return withLength(JSON.stringify(index), pieces);
}

/** @throws {Error} for other bytes than those of records. */
export function decodeRecords(bytes: Uint8Array, lastSeq: number): StoredRecord[] {
  if (bytes.length === 0) return [];
  const { json, rest } = splitLength(bytes);
  const index = json as [string, number, ...number[]][];
  let at = 0;
  const take = (length: number): Buffer => rest.subarray(at, (at += length));
  return index.map(([kind, textLength, ...lengths], i) => {
    const record = { seq: lastSeq - index.length + 1 + i, kind, text: take(textLength).toString() };
    // Of their own memory: nobody is to keep, or to see, the rest.
    return lengths.length === 0
      ? record
      : { ...record, buffers: lengths.map((length) => new Uint8Array(take(length))) };
  });
}

function withLength(json: string, pieces: readonly Uint8Array[]): Uint8Array {
  const head = Buffer.from(json);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, ...pieces]);
}

function splitLength(bytes: Uint8Array): { json: unknown; rest: Buffer } {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 4 + all.readUInt32LE(0);
  return { json: JSON.parse(all.toString("utf8", 4, end)), rest: all.subarray(end) };
}
