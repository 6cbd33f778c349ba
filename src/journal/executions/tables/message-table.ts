import { executionEnded, overJournalLimit, unknownExecution } from "../execution-errors.ts";
import type { Waiting } from "../journal.ts";
import { hasEnded, isRowHeld, waitsOf, type LeaseRules } from "./execution-rows.ts";
import type { ExecutionRow, MessageRow } from "./execution-schema.ts";
import { fits, questionOf, TELL_ACTIONS, type WrittenMessage } from "./questions.ts";
import type { Statements } from "./statements.ts";

/** What may wait to be taken by one execution. */
export interface MessageLimits {
  messages: number;
  chars: number;
}

/** Has something come that one of these waits for? */
export function isAnswered(sql: Statements, execution: number, waits: readonly Waiting[]): boolean {
  const messages = sql.all<MessageRow>(
    "SELECT kind, name, question FROM messages WHERE execution = ? AND is_taken = 0",
    execution,
  );
  return messages.some((message) => fits(message, waits));
}

/** What executions are told. Checks come first: what throws an error of ours has changed nothing. */
export class MessageTable {
  readonly #sql: Statements;
  readonly #rules: LeaseRules;
  readonly #limits: MessageLimits;

  constructor(sql: Statements, rules: LeaseRules, limits: MessageLimits) {
    this.#sql = sql;
    this.#rules = rules;
    this.#limits = limits;
  }

  add(id: string, message: WrittenMessage): void {
    const row = this.#find(id, message.kind);
    this.#checkRoom(row, message);
    const waits = waitsOf(row);
    const isAnswered = (number: number): boolean => this.#isAnsweredAlready(row.key, number);
    const question =
      message.kind === "send" ? null : questionOf(id, waits, message, { isAnswered, now: this.#rules.now() });
    this.#insert(row, message.kind, message.name ?? null, question, message.text);
    if (fits({ kind: message.kind, name: message.name ?? null, question }, waits)) this.#setAnswered(row);
  }

  /** One that nobody runs ends at once, and who may have thought to run it can write no more. */
  cancel(id: string): void {
    const row = this.#find(id, "cancel");
    if (!isRowHeld(row, this.#rules)) {
      this.#sql.run(
        `UPDATE executions SET state = 'failed', error = 'the execution was cancelled', exit_code = 130, holder = NULL,
           fence = fence + 1, waits_for = '[]', due_at = NULL, is_answered = 0, updated_at = ? WHERE key = ?`,
        this.#rules.now(),
        row.key,
      );
      return;
    }
    const known = "SELECT 1 FROM messages WHERE execution = ? AND is_taken = 0 AND kind = 'cancel'";
    if (this.#sql.get(known, row.key) !== undefined) return;
    this.#insert(row, "cancel", null, null, "{}");
    this.#setAnswered(row);
  }

  /** Those that nobody has taken, after this number. */
  read(id: string, after: number, limit: number): MessageRow[] {
    return this.#sql.all<MessageRow>(
      `SELECT number, messages.kind, name, question, text FROM messages JOIN executions ON key = execution
       WHERE id = ? AND is_taken = 0 AND number > ? ORDER BY number LIMIT ?`,
      id,
      after,
      limit,
    );
  }

  #find(id: string, kind: keyof typeof TELL_ACTIONS): ExecutionRow {
    const row = this.#sql.execution(id);
    if (row === undefined) throw unknownExecution(TELL_ACTIONS[kind], id);
    if (hasEnded(row.state)) throw executionEnded(TELL_ACTIONS[kind], id, row.state);
    return row;
  }

  #insert(row: ExecutionRow, kind: string, name: string | null, question: number | null, text: string): void {
    const sql = "INSERT INTO messages (execution, kind, name, question, text) VALUES (?, ?, ?, ?, ?)";
    this.#sql.run(sql, row.key, kind, name, question, text);
    this.#sql.run("UPDATE executions SET told = told + 1 WHERE key = ?", row.key);
  }

  #setAnswered({ key }: ExecutionRow): void {
    this.#sql.run("UPDATE executions SET is_answered = 1 WHERE key = ?", key);
  }

  #checkRoom({ key, id }: ExecutionRow, { kind, text }: WrittenMessage): void {
    const { messages, chars } = this.#limits;
    const waiting = this.#sql.get(
      `SELECT count(*) AS count, coalesce(sum(octet_length(text)), 0) AS size FROM messages WHERE execution = ? AND is_taken = 0`,
      key,
    ) as { count: number; size: number };
    if (waiting.count < messages && waiting.size + text.length <= chars) return;
    throw overJournalLimit(
      TELL_ACTIONS[kind],
      `${waiting.count} messages that the execution ${id} has not received wait already, as many as there is room for`,
    );
  }

  #isAnsweredAlready(execution: number, question: number): boolean {
    const sql = "SELECT 1 FROM messages WHERE execution = ? AND question = ?";
    return this.#sql.get(sql, execution, question) !== undefined;
  }
}
