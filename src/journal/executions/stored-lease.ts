import type { GeppettoError } from "../../shared/errors.ts";
import { executionFenced, executionGone, journalFailed } from "./execution-errors.ts";
import type {
  ExecutionChange,
  ExecutionLease,
  ExecutionMessage,
  ExecutionRecord,
  NumberedMessage,
  StoredRecord,
} from "./journal.ts";
import type { JournalAccess } from "./access/journal-access.ts";
import { keptRecords } from "./access/kept-records.ts";
import { ChangeSignal } from "./access/change-signal.ts";
import type { MessageRow } from "./tables/execution-schema.ts";
import { readValue } from "./tables/read-value.ts";
import { writeChange, type LeaseKey } from "./tables/execution-table.ts";

/** A lease of a journal that is kept in tables. */
export class StoredLease implements ExecutionLease {
  readonly id: string;
  readonly attempt: number;
  readonly #access: JournalAccess;
  readonly #key: LeaseKey;
  readonly #lost = new AbortController();
  readonly #letGo: () => void;
  #released: Promise<void> | undefined;

  constructor(access: JournalAccess, key: LeaseKey, onReleased: (lease: StoredLease) => void) {
    this.id = key.id;
    this.attempt = key.attempt;
    this.#access = access;
    this.#key = key;
    const release = access.hold(key.id, key.fence, (isGone) => this.#lose(isGone ? executionGone(key.id) : undefined));
    this.#letGo = () => (release(), onReleased(this));
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async append(records: readonly ExecutionRecord[], change: ExecutionChange = {}): Promise<void> {
    this.#check();
    await this.#watched(this.#access.ask("append", this.#key, records, writeChange(change)));
  }

  appendSync(records: readonly ExecutionRecord[], change: ExecutionChange = {}): void {
    this.#check();
    try {
      this.#access.askSync("append", this.#key, records, writeChange(change));
    } catch (error) {
      throw this.#noticed(error);
    }
  }

  async restart(records: readonly ExecutionRecord[], change: ExecutionChange = {}): Promise<void> {
    this.#check();
    await this.#watched(this.#access.ask("restart", this.#key, records, writeChange(change)));
  }

  records(from = 1): AsyncIterable<StoredRecord> {
    return keptRecords(this.#access, this.id, from);
  }

  async *messages(signal: AbortSignal): AsyncGenerator<NumberedMessage> {
    using changes = new ChangeSignal(this.#access, this.id, "others", signal);
    let after = 0;
    while (!signal.aborted) {
      changes.expect();
      const messages = await this.#messagesAfter(after);
      for (const message of messages) {
        if (signal.aborted) return;
        after = message.number;
        yield message;
      }
      if (messages.length === 0) await changes.next();
    }
  }

  async waitingMessages(): Promise<NumberedMessage[]> {
    const messages: NumberedMessage[] = [];
    for (;;) {
      const more = await this.#messagesAfter(messages.at(-1)?.number ?? 0);
      if (more.length === 0) return messages;
      messages.push(...more);
    }
  }

  release(change: ExecutionChange = {}): Promise<void> {
    this.#released ??= this.#release(change);
    return this.#released;
  }

  async #release(change: ExecutionChange): Promise<void> {
    try {
      await this.#access.ask("release", this.#key, writeChange(change));
    } finally {
      this.#letGo();
    }
  }

  async #messagesAfter(after: number): Promise<NumberedMessage[]> {
    const rows = await this.#access.ask("messages", this.id, after);
    return rows.map((row) => ({ number: row.number, message: readMessage(this.id, row) }));
  }

  #check(): void {
    if (this.#released !== undefined || this.#lost.signal.aborted)
      throw this.#lost.signal.reason ?? executionFenced(this.id, this.attempt);
  }

  async #watched(write: Promise<void>): Promise<void> {
    try {
      await write;
    } catch (error) {
      throw this.#noticed(error);
    }
  }

  #noticed(error: unknown): unknown {
    if ((error as { code?: string }).code === "ERR_EXECUTION_FENCED") this.#lose();
    return error;
  }

  #lose(reason: GeppettoError = executionFenced(this.id, this.attempt)): void {
    if (this.#lost.signal.aborted) return;
    this.#lost.abort(reason);
    this.#letGo();
  }
}

/** @throws {GeppettoError} ERR_JOURNAL for one that is not what was written. */
function readMessage(id: string, { number, kind, name, question, text }: MessageRow): ExecutionMessage {
  try {
    const rest = readValue(text) as Record<string, unknown>;
    if (typeof rest !== "object" || rest === null) throw new SyntaxError("it is not an object");
    if (!isSaid(kind, rest)) throw new SyntaxError("it does not say what it is to");
    const parts = { ...rest, kind, ...(name === null ? {} : { name }), ...(question === null ? {} : { question }) };
    return parts as unknown as ExecutionMessage;
  } catch (error) {
    throw journalFailed(`message ${number} to the execution ${id} is damaged`, error);
  }
}

function isSaid(kind: string, { approved, by, how }: Readonly<Record<string, unknown>>): boolean {
  if (kind === "approve") return typeof approved === "boolean" && typeof by === "string";
  return kind !== "resolve" || (typeof how === "object" && how !== null);
}
