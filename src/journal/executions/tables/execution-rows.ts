import { crc32 } from "node:zlib";
import { isHeldAloud, parseHolder } from "../../../base/process-holder.ts";
import { journalFailed } from "../execution-errors.ts";
import type { ExecutionFacts, ExecutionRecord, ExecutionState, StoredRecord, Waiting } from "../journal.ts";
import type { ExecutionRow, RecordRow } from "./execution-schema.ts";
import { readValue } from "./read-value.ts";

/** By whose clock, and after what silence, somebody who holds an execution has lost it. */
export interface LeaseRules {
  now(): number;
  silenceMs: number;
}

const STATES: readonly string[] = ["running", "suspended", "completed", "failed"] satisfies ExecutionState[];
const WAITS: readonly string[] = ["sleep", "receive", "approve", "ambiguous"] satisfies Waiting["kind"][];

/** What a row says; what of it cannot be read is left out. */
export function toFacts(row: ExecutionRow, rules: LeaseRules): ExecutionFacts {
  const waitsFor = readWaits(row);
  const isDamaged = isRowDamaged(row);
  const holder = isRowHeld(row, rules) ? parseHolder(row.holder) : undefined;
  return {
    id: row.id,
    state: row.state as ExecutionState,
    script: row.script,
    ...(row.tenant === null ? {} : { tenant: row.tenant }),
    attempt: row.attempt,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastSeq: row.last_seq,
    waitsFor: waitsFor ?? [],
    ...(row.due_at === null ? {} : { dueAt: row.due_at }),
    isAnswered: row.is_answered === 1,
    ...(row.exit_code === null ? {} : { exitCode: row.exit_code }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(holder === undefined ? {} : { holder: { host: holder.host, pid: holder.pid } }),
    ...(isDamaged ? { isDamaged } : {}),
  };
}

/** Can nobody go on with it? */
export function isRowDamaged(row: ExecutionRow): boolean {
  return readWaits(row) === undefined || !STATES.includes(row.state);
}

export function isRowHeld(row: ExecutionRow, { now, silenceMs }: LeaseRules): boolean {
  const { holder, seen_at: clock, seen_uptime: uptime } = row;
  return holder !== null && isHeldAloud(holder, { clock, uptime }, now(), silenceMs);
}

export function hasEnded(state: string): boolean {
  return state === "completed" || state === "failed";
}

/** @throws {GeppettoError} ERR_JOURNAL where they cannot be read. */
export function waitsOf(row: ExecutionRow): readonly Waiting[] {
  const waits = readWaits(row);
  if (waits === undefined) throw journalFailed(`what the execution ${row.id} waits for is damaged`);
  return waits;
}

/** undefined where they cannot be read. */
export function readWaits({ waits_for: text }: ExecutionRow): Waiting[] | undefined {
  if (text === "[]") return [];
  try {
    const waits = readValue(text);
    return areWaits(waits) ? waits : undefined;
  } catch {
    return undefined;
  }
}

export function areWaits(value: unknown): value is Waiting[] {
  return Array.isArray(value) && value.every(isWaiting);
}

function isWaiting(value: unknown): value is Waiting {
  if (typeof value !== "object" || value === null) return false;
  const { kind, number, name = "", question = "", dueAt = 0 } = value as Record<string, unknown>;
  const isKnown = typeof kind === "string" && WAITS.includes(kind) && Number.isSafeInteger(number);
  return isKnown && typeof name === "string" && typeof question === "string" && Number.isFinite(dueAt);
}

/** Sizes and bytes of some buffers, as one. */
export function packBuffers(buffers: readonly Uint8Array[] | undefined): Uint8Array | null {
  if (buffers === undefined || buffers.length === 0) return null;
  const head = Buffer.alloc(4 * (buffers.length + 1));
  head.writeUInt32LE(buffers.length, 0);
  for (const [i, { length }] of buffers.entries()) head.writeUInt32LE(length, 4 * (i + 1));
  return Buffer.concat([head, ...buffers]);
}

function unpackBuffers(bytes: Uint8Array): Uint8Array[] {
  const packed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = packed.readUInt32LE(0);
  const buffers: Uint8Array[] = [];
  let at = 4 * (count + 1);
  for (let i = 1; i <= count; i++) {
    const end = at + packed.readUInt32LE(4 * i);
    // Of its own memory: nobody is to keep, or to see, the rest.
    buffers.push(new Uint8Array(packed.subarray(at, end)));
    at = end;
  }
  return buffers;
}

export function checksumOf({ kind, text }: ExecutionRecord, packed: Uint8Array | null): number {
  const sum = crc32(text, crc32(kind));
  return packed === null ? sum : crc32(packed, sum);
}

/** @throws {GeppettoError} ERR_JOURNAL for one that is not what was written. */
export function toRecord(id: string, { seq, kind, text, buffers, checksum }: RecordRow): StoredRecord {
  if (checksumOf({ kind, text }, buffers) !== checksum) throw damagedRecord(id, seq);
  return { seq, kind, text, ...(buffers === null ? {} : { buffers: unpackBuffers(buffers) }) };
}

export function damagedRecord(id: string, seq: number): Error {
  return journalFailed(`record ${seq} of the execution ${id} is damaged or missing`);
}
