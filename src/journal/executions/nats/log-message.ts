import type { ExecutionRecord, StoredRecord } from "../journal.ts";
import { readHead } from "./read-head.ts";
import type { LogHead } from "./log-row.ts";

export interface LogMessage {
  head: LogHead;
  body: Uint8Array;
}

export function encodeMessage(head: LogHead, body: Uint8Array): Uint8Array {
  return withLength(JSON.stringify(head), [body]);
}

/** @throws {Error} for other bytes than those of a message of this execution's log. */
export function decodeMessage(id: string, bytes: Uint8Array): LogMessage {
  const { json, rest } = splitLength(bytes);
  return { head: readHead(id, json), body: rest };
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
  const take = (length: number): Buffer => {
    if (!(length >= 0) || at + length > rest.length) throw new SyntaxError("records end before they should");
    return rest.subarray(at, (at += length));
  };
  return index.map(([kind, textLength, ...lengths], i) => {
    if (typeof kind !== "string") throw new SyntaxError("a record is of no kind");
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
