import { randomUUID } from "node:crypto";
import type { StoredMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { overJournalLimit } from "../execution-errors.ts";
import type { MessageRow } from "../tables/execution-schema.ts";
import type { MessageLimits } from "../tables/message-table.ts";
import { answeredAlready, TELL_ACTIONS, type WrittenMessage } from "../tables/questions.ts";
import { WriteConflict, type NatsLink } from "./nats-link.ts";
import { scanStream } from "./scan-stream.ts";
import type { StreamNames } from "./stream-names.ts";

const KIND_HEADER = "Geppetto-Kind";
const NAME_HEADER = "Geppetto-Name";

/** A message that waits, without its text. */
export type WaitingMessage = Omit<MessageRow, "text">;

/** What executions are told, until they have taken it. The number of a message is its place in the stream. */
export class MessageBox {
  readonly #link: NatsLink;
  readonly #names: StreamNames;
  readonly #createHeaders: () => MsgHdrs;

  constructor(link: NatsLink, names: StreamNames, createHeaders: () => MsgHdrs) {
    this.#link = link;
    this.#names = names;
    this.#createHeaders = createHeaders;
  }

  /**
   * Of several answers to one question one is kept.
   *
   * @throws {GeppettoError} ERR_EXECUTION_ANSWER for the others; ERR_JOURNAL_LIMIT.
   */
  async add(id: string, message: WrittenMessage): Promise<void> {
    const { kind, name, question, text } = message;
    const headers = this.#createHeaders();
    headers.set(KIND_HEADER, kind);
    if (name !== undefined) headers.set(NAME_HEADER, encodeURIComponent(name.toWellFormed()));
    const subject = this.#names.told(id, question ?? kind);
    // One that is sent again, since its ack was lost, counts once.
    const msgID = randomUUID();
    const options = { headers, msgID, ...(question === undefined ? {} : { expect: { lastSubjectSequence: 0 } }) };
    try {
      await this.#link.ask(() => this.#link.client.publish(subject, text, options));
    } catch (error) {
      if (!(error instanceof WriteConflict)) throw error;
      const query = { last_by_subj: subject };
      const known = await this.#link.ask(() => this.#link.manager.direct.getMessage(this.#names.box, query));
      if (known?.header.get("Nats-Msg-Id") !== msgID) throw answeredAlready(TELL_ACTIONS[kind], id, question!);
    }
  }

  /** Tells whoever runs it to end it. */
  async cancel(id: string): Promise<void> {
    const headers = this.#createHeaders();
    headers.set(KIND_HEADER, "cancel");
    const options = { headers, expect: { lastSubjectSequence: 0 } };
    try {
      await this.#link.ask(() => this.#link.client.publish(this.#names.told(id, "cancel"), "{}", options));
    } catch (error) {
      // It was told already.
      if (!(error instanceof WriteConflict)) throw error;
    }
  }

  /** Messages after this number, so many at most. */
  async read(id: string, after: number, limit: number): Promise<MessageRow[]> {
    const rows: MessageRow[] = [];
    for (let from = after + 1; rows.length < limit;) {
      const query = { seq: from, next_by_subj: this.#names.told(id, "*") };
      const found = await this.#link.ask(() => this.#link.manager.direct.getMessage(this.#names.box, query));
      if (found === null) break;
      rows.push({ ...describe(found), text: found.string() });
      from = found.seq + 1;
    }
    return rows;
  }

  /** All that waits, of this execution or, without an id, of all of them; texts are left out. */
  async *waiting(id?: string): AsyncGenerator<WaitingMessage & { id: string; size: number }> {
    const filter = id === undefined ? this.#names.told("*", "*") : this.#names.told(id, "*");
    const options = { filter, isWithoutTexts: true };
    for await (const message of scanStream(this.#link, this.#names.box, options)) {
      const size = Number(message.headers?.get("Nats-Msg-Size") ?? 0);
      yield {
        ...describe({ subject: message.subject, seq: message.seq, header: message.headers! }),
        id: this.#names.idOf(message.subject),
        size,
      };
    }
  }

  async take(number: number): Promise<void> {
    const { manager } = this.#link;
    await this.#link.ask(() =>
      manager.streams.deleteMessage(this.#names.box, number, false).catch((error: unknown) => {
        // It is gone already.
        if ((error as { name?: string }).name !== "JetStreamApiError") throw error;
      }),
    );
  }

  async clear(id: string): Promise<void> {
    const { manager } = this.#link;
    await this.#link.ask(() => manager.streams.purge(this.#names.box, { filter: this.#names.told(id, "*") }));
  }

  /** @throws {GeppettoError} ERR_JOURNAL_LIMIT where no more messages may wait. */
  async checkRoom(id: string, { kind, text }: WrittenMessage, { messages, chars }: MessageLimits): Promise<void> {
    const { manager } = this.#link;
    const subjects_filter = this.#names.told(id, "*");
    const { state } = await this.#link.ask(() => manager.streams.info(this.#names.box, { subjects_filter }));
    const count = Object.values(state.subjects ?? {}).reduce((sum, own) => sum + own, 0);
    // A message has a million characters at most.
    let size = 0;
    if ((count + 1) * 1_000_000 > chars) for await (const message of this.waiting(id)) size += message.size;
    if (count < messages && size + text.length <= chars) return;
    throw overJournalLimit(
      TELL_ACTIONS[kind],
      `${count} messages that the execution ${id} has not received wait already, as many as there is room for`,
    );
  }
}

function describe({ subject, seq, header }: Pick<StoredMsg, "subject" | "seq" | "header">): WaitingMessage {
  const question = Number(subject.split(".").at(-1));
  return {
    number: seq,
    kind: header.get(KIND_HEADER),
    name: header.has(NAME_HEADER) ? decodeURIComponent(header.get(NAME_HEADER)) : null,
    question: Number.isSafeInteger(question) ? question : null,
  };
}
