import { randomUUID } from "node:crypto";
import type { StoredMsg } from "@nats-io/jetstream";
import { journalFailed } from "../execution-errors.ts";
import type { ExecutionRecord } from "../journal.ts";
import { decodeMessage, encodeMessage, encodeRecords, type LogMessage } from "./log-message.ts";
import type { LogRow } from "./log-row.ts";
import { damagedRow } from "./read-head.ts";
import { WriteConflict, type NatsLink } from "./nats-link.ts";
import type { StreamNames } from "./stream-names.ts";

/** What a message may take beside its payload, in bytes: subject and headers. */
const HEADROOM = 4096;

/** How an execution stands, and the number of the message that says so. */
export interface LogEnd {
  row: LogRow | undefined;
  /** 0 where there is none yet. */
  at: number;
  /** That message cannot be read. */
  isDamaged?: true;
}

/** The logs of executions, one subject for each: every message says after which one it has to come. */
export class ExecutionLog {
  readonly #link: NatsLink;
  readonly #names: StreamNames;

  constructor(link: NatsLink, names: StreamNames) {
    this.#link = link;
    this.#names = names;
  }

  async last(id: string): Promise<LogEnd> {
    const found = await this.#lastMessage(id);
    if (found === undefined) return { row: undefined, at: 0 };
    const { seq: at, data, time } = found;
    return { ...readEnd(id, data, time), at };
  }

  /**
   * Writes records and how the execution stands with them, all or nothing, as the next after a certain message. What is too
   * large for one message is written as several: readers wait for the last.
   *
   * @throws {WriteConflict} where another message is the last by now; {GeppettoError} as the server refuses.
   */
  async write(
    id: string,
    before: LogEnd,
    row: LogRow,
    records: readonly ExecutionRecord[],
  ): Promise<LogEnd & { begins: number }> {
    const body = encodeRecords(records);
    const write = randomUUID();
    const old = before.row ?? null;
    const room = this.#maxPayload - HEADROOM - Math.max(jsonBytes(row), jsonBytes(old));
    const parts = Math.max(1, Math.ceil(body.length / Math.max(room, 1)));
    let { at } = before;
    let begins: number | undefined;
    for (let part = 1; part <= parts; part++) {
      const slice = body.subarray((part - 1) * room, part * room);
      const head = { write, row: part === parts ? row : old, parts, part, ...(begins === undefined ? {} : { begins }) };
      at = await this.#publish(id, encodeMessage(head, slice), { at, write, part });
      begins ??= at;
    }
    return { row, at, begins: begins! };
  }

  /** Of all that have a log. */
  async ids(): Promise<Set<string>> {
    const { manager } = this.#link;
    const subjects_filter = this.#names.log("*");
    const { state } = await this.#link.ask(() => manager.streams.info(this.#names.logs, { subjects_filter }));
    return new Set(Object.keys(state.subjects ?? {}).map((subject) => this.#names.idOf(subject)));
  }

  /** Forgets what came before this message. */
  async forget(id: string, before: number): Promise<void> {
    const { manager } = this.#link;
    await this.#link.ask(() => manager.streams.purge(this.#names.logs, { filter: this.#names.log(id), seq: before }));
  }

  /** Forgets all of an execution. */
  async remove(id: string): Promise<void> {
    const { manager } = this.#link;
    for (const filter of [this.#names.log(id), this.#names.begin(id)])
      await this.#link.ask(() => manager.streams.purge(this.#names.logs, { filter }));
  }

  /** Keeps what an execution is begun with; gives where that is. */
  async keepDetails(id: string, details: string): Promise<number> {
    const { seq } = await this.#link.ask(() => this.#link.client.publish(this.#names.begin(id), details));
    return seq;
  }

  async details(at: number): Promise<string | undefined> {
    return at === 0 ? undefined : (await this.#link.read(this.#names.logs, { seq: at }))?.string();
  }

  /** The first message of its log from this number on. */
  async next(id: string, from: number): Promise<(LogMessage & { at: number }) | undefined> {
    const query = { seq: from, next_by_subj: this.#names.log(id) };
    const found = await this.#link.read(this.#names.logs, query);
    return found === null ? undefined : { ...readMessage(id, found.data), at: found.seq };
  }

  get #maxPayload(): number {
    return this.#link.connection.info?.max_payload ?? 1_000_000;
  }

  async #lastMessage(id: string): Promise<StoredMsg | undefined> {
    const query = { last_by_subj: this.#names.log(id) };
    return (await this.#link.read(this.#names.logs, query)) ?? undefined;
  }

  async #publish(
    id: string,
    payload: Uint8Array,
    { at, write, part }: { at: number; write: string; part: number },
  ): Promise<number> {
    const expect = { lastSubjectSequence: at };
    try {
      const { seq } = await this.#link.askOf(this.#names.logs, () =>
        this.#link.client.publish(this.#names.log(id), payload, { expect }),
      );
      return seq;
    } catch (error) {
      if (!(error instanceof WriteConflict)) throw error;
      // Its ack may have been lost, and it was sent again.
      const last = await this.#lastMessage(id);
      const head = last === undefined ? undefined : tryRead(id, last.data)?.head;
      if (head?.write === write && head.part === part) return last!.seq;
      throw error;
    }
  }
}

/** @throws {GeppettoError} ERR_JOURNAL for what is not a message of its log. */
export function readMessage(id: string, data: Uint8Array): LogMessage {
  try {
    return decodeMessage(id, data);
  } catch (error) {
    throw journalFailed(`what is kept of the execution ${id} is damaged`, error);
  }
}

/** How an execution stands, by the last message of its log. */
export function readEnd(id: string, data: Uint8Array, writtenAt: Date): Omit<LogEnd, "at"> {
  const message = tryRead(id, data);
  if (message === undefined) return { row: damagedRow(id, writtenAt.getTime()), isDamaged: true };
  return { row: message.head.row ?? undefined };
}

function tryRead(id: string, data: Uint8Array): LogMessage | undefined {
  try {
    return decodeMessage(id, data);
  } catch {
    return undefined;
  }
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
