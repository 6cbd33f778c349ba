import type { SQLInputValue } from "node:sqlite";
import { machineUptime, parseHolder } from "../../../base/process-holder.ts";
import { encodeValue } from "../../../shared/codec.ts";
import {
  executionEnded,
  executionExists,
  executionFenced,
  executionRuns,
  journalFailed,
  unknownExecution,
} from "../execution-errors.ts";
import type { ExecutionChange, ExecutionRecord, ExecutionStart, ResumeOptions } from "../journal.ts";
import { checksumOf, hasEnded, isRowHeld, packBuffers, readWaits, toFacts, type LeaseRules } from "./execution-rows.ts";
import type { ExecutionRow } from "./execution-schema.ts";
import { isAnswered } from "./message-table.ts";
import { weighRecords, type ExecutionLimits } from "./record-weight.ts";
import type { Statements } from "./statements.ts";

/** What whoever holds an execution shows with each write. */
export interface LeaseKey {
  id: string;
  attempt: number;
  fence: number;
}

/** An {@link ExecutionStart} whose details are a text already. */
export type WrittenStart = Omit<ExecutionStart, "details"> & { details: string };

/** An {@link ExecutionChange} whose waits are a text already. */
export type WrittenChange = Omit<ExecutionChange, "waitsFor"> & { waits?: { text: string; dueAt: number | undefined } };

export function writeChange({ waitsFor, ...rest }: ExecutionChange): WrittenChange {
  if (waitsFor === undefined) return rest;
  const dues = waitsFor.flatMap(({ dueAt }) => dueAt ?? []);
  return { ...rest, waits: { text: encodeValue(waitsFor), dueAt: dues.length === 0 ? undefined : Math.min(...dues) } };
}

/** Executions and their records, for whoever writes them. Checks come first: what throws an error of ours has changed nothing. */
export class ExecutionTable {
  readonly #sql: Statements;
  readonly #rules: LeaseRules;
  readonly #limits: ExecutionLimits;

  constructor(sql: Statements, rules: LeaseRules, limits: ExecutionLimits) {
    this.#sql = sql;
    this.#rules = rules;
    this.#limits = limits;
  }

  begin(id: string, start: WrittenStart, holder: string): LeaseKey {
    if (this.#sql.execution(id) !== undefined) throw executionExists(id);
    const { script, tenant = null, details, records = [] } = start;
    const bytes = weighRecords(id, records, 0, this.#limits);
    const now = this.#rules.now();
    this.#sql.run(
      `INSERT INTO executions (id, state, script, tenant, attempt, created_at, updated_at, holder, seen_at, seen_uptime)
       VALUES (?, 'running', ?, ?, 1, ?, ?, ?, ?, ?)`,
      id,
      script,
      tenant,
      now,
      now,
      holder,
      now,
      machineUptime(),
    );
    const row = this.#sql.execution(id)!;
    this.#sql.run("INSERT INTO details (execution, text) VALUES (?, ?)", row.key, details);
    this.#add(row, records, bytes, {});
    return { id, attempt: 1, fence: row.fence };
  }

  resume(id: string, holder: string, { tenant, takeOver = false }: ResumeOptions): LeaseKey {
    const row = this.#sql.execution(id);
    if (row === undefined || (tenant !== undefined && row.tenant !== tenant)) {
      throw unknownExecution("resume the execution", id);
    }
    if (hasEnded(row.state)) throw executionEnded("resume the execution", id, row.state);
    if (toFacts(row, this.#rules).isDamaged) throw journalFailed(`what is kept of the execution ${id} is damaged`);
    if (!takeOver && isRowHeld(row, this.#rules)) throw executionRuns(id, parseHolder(row.holder)!);
    const [attempt, fence] = [row.attempt + 1, row.fence + 1];
    this.#sql.run(
      `UPDATE executions SET state = 'running', attempt = ?, fence = ?, updated_at = ?, holder = ?, seen_at = ?, seen_uptime = ?
       WHERE key = ?`,
      attempt,
      fence,
      this.#rules.now(),
      holder,
      this.#rules.now(),
      machineUptime(),
      row.key,
    );
    return { id, attempt, fence };
  }

  append(key: LeaseKey, records: readonly ExecutionRecord[], change: WrittenChange): void {
    const row = this.#held(key);
    this.#add(row, records, weighRecords(key.id, records, row.bytes, this.#limits), change);
  }

  restart(key: LeaseKey, records: readonly ExecutionRecord[], change: WrittenChange): void {
    const row = this.#held(key);
    const bytes = weighRecords(key.id, records, 0, this.#limits);
    this.#sql.run("DELETE FROM records WHERE execution = ?", row.key);
    this.#sql.run("UPDATE executions SET first_seq = last_seq + 1 WHERE key = ?", row.key);
    this.#add(row, records, bytes, change);
  }

  /** Does nothing where another one holds it. */
  release(key: LeaseKey, change: WrittenChange): void {
    const row = this.#sql.execution(key.id);
    if (row?.fence !== key.fence) return;
    this.#add(row, [], row.bytes, change);
    this.#sql.run("UPDATE executions SET holder = NULL WHERE key = ?", row.key);
  }

  /** Says that these go on; returns those that somebody else has by now. */
  renew(keys: readonly LeaseKey[]): LeaseKey[] {
    return keys.filter(({ id, fence }) => {
      const seen = [this.#rules.now(), machineUptime()];
      const sql = "UPDATE executions SET seen_at = ?, seen_uptime = ? WHERE id = ? AND fence = ?";
      return this.#sql.run(sql, ...seen, id, fence) === 0;
    });
  }

  /** Removes those that ended first, but for so many. */
  prune(maxEnded: number): void {
    const ended =
      "SELECT key FROM executions WHERE state IN ('completed', 'failed') ORDER BY key DESC LIMIT -1 OFFSET ?";
    this.#sql.run(`DELETE FROM executions WHERE key IN (${ended})`, maxEnded);
  }

  #held({ id, attempt, fence }: LeaseKey): ExecutionRow {
    const row = this.#sql.execution(id);
    if (row?.fence !== fence) throw executionFenced(id, attempt);
    return row;
  }

  #add(row: ExecutionRow, records: readonly ExecutionRecord[], bytes: number, change: WrittenChange): void {
    const sql = "INSERT INTO records (execution, seq, kind, text, buffers, checksum) VALUES (?, ?, ?, ?, ?, ?)";
    let seq = row.last_seq;
    for (const record of records) {
      const packed = packBuffers(record.buffers);
      const { kind, text } = record;
      this.#sql.run(sql, row.key, ++seq, kind, text, packed, checksumOf(record, packed));
    }
    const now = this.#rules.now();
    this.#sql.run(
      "UPDATE executions SET last_seq = ?, bytes = ?, updated_at = ? WHERE key = ?",
      seq,
      bytes,
      now,
      row.key,
    );
    this.#change(row, change);
  }

  #change({ key, id }: ExecutionRow, { state, waits, taken = [], exitCode, error }: WrittenChange): void {
    for (const number of taken) {
      // An answer is kept, so that its question is not answered twice.
      this.#sql.run("DELETE FROM messages WHERE execution = ? AND number = ? AND question IS NULL", key, number);
      this.#sql.run("UPDATE messages SET is_taken = 1, text = '' WHERE execution = ? AND number = ?", key, number);
    }
    const changes: [string, SQLInputValue][] = [];
    if (state !== undefined) changes.push(["state", state]);
    if (exitCode !== undefined) changes.push(["exit_code", exitCode]);
    if (error !== undefined) changes.push(["error", error]);
    if (waits !== undefined) changes.push(["waits_for", waits.text], ["due_at", waits.dueAt ?? null]);
    if (changes.length > 0) {
      const names = changes.map(([name]) => `${name} = ?`).join(", ");
      this.#sql.run(`UPDATE executions SET ${names} WHERE key = ?`, ...changes.map(([, value]) => value), key);
    }
    if (waits !== undefined || taken.length > 0) {
      const answered = isAnswered(this.#sql, key, readWaits(this.#sql.execution(id)!) ?? []) ? 1 : 0;
      this.#sql.run("UPDATE executions SET is_answered = ? WHERE key = ?", answered, key);
    }
  }
}
