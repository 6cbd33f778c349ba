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
    if (question === undefined) {
      // One that is sent again, since its ack was lost, counts once.
      const options = { headers, msgID: randomUUID() };
      await this.#link.ask(() => this.#link.client.publish(subject, text, options));
    } else if (!(await this.#addFirst(subject, text, headers))) throw answeredAlready(TELL_ACTIONS[kind], id, question);
  }

  /** Tells whoever runs it to end it; it may have been told already. */
  async cancel(id: string): Promise<void> {
    const headers = this.#createHeaders();
    headers.set(KIND_HEADER, "cancel");
    await this.#addFirst(this.#names.told(id, "cancel"), "{}", headers);
  }

  /** False where it was said already. What nobody can have said keeps nothing out. */
  async #addFirst(subject: string, text: string, headers: MsgHdrs): Promise<boolean> {
    const msgID = randomUUID();
    for (;;) {
      try {
        const options = { headers, msgID, expect: { lastSubjectSequence: 0 } };
        await this.#link.ask(() => this.#link.client.publish(subject, text, options));
        return true;
      } catch (error) {
        if (!(error instanceof WriteConflict)) throw error;
        const query = { last_by_subj: subject };
        const known = await this.#link.read(this.#names.box, query);
        // Its ack was lost.
        if (known?.header.get("Nats-Msg-Id") === msgID) return true;
        if (known === null || describe(known) !== undefined) return false;
        await this.take(known.seq);
      }
    }
  }

  /** Messages after this number, so many at most. */
  async read(id: string, after: number, limit: number): Promise<MessageRow[]> {
    const rows: MessageRow[] = [];
    for await (const found of this.#kept(id, after)) {
      const message = describe(found);
      if (message !== undefined) rows.push({ ...message, text: found.string() });
      if (rows.length >= limit) break;
    }
    return rows;
  }

  /** All that waits, of this execution or, without an id, of all of them; texts are left out. */
  async *waiting(id?: string): AsyncGenerator<WaitingMessage & { id: string; size: number }> {
    const filter = id === undefined ? this.#names.told("*", "*") : this.#names.told(id, "*");
    const options = { filter, isWithoutTexts: true };
    for await (const message of scanStream(this.#link, this.#names.box, options)) {
      const { subject, seq, headers } = message;
      const size = Number(headers?.get("Nats-Msg-Size") ?? 0);
      const described = describe({ subject, seq, header: headers });
      if (described !== undefined) yield { ...described, id: this.#names.idOf(subject), size };
    }
  }

  async take(number: number): Promise<void> {
    await this.#link.remove(this.#names.box, number);
  }

  async clear(id: string): Promise<void> {
    for await (const { seq } of this.#kept(id, 0)) await this.take(seq);
  }

  /** What is kept of an execution after this number, as the server has it. */
  async *#kept(id: string, after: number): AsyncGenerator<StoredMsg> {
    const query = { next_by_subj: this.#names.told(id, "*") };
    for (let from = after + 1; ;) {
      const next = { ...query, seq: from };
      const found = await this.#link.read(this.#names.box, next);
      if (found === null) return;
      yield found;
      from = found.seq + 1;
    }
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

/** undefined for what nobody can have told it. */
function describe({
  subject,
  seq,
  header,
}: Pick<StoredMsg, "subject" | "seq"> & { header: MsgHdrs | undefined }): WaitingMessage | undefined {
  const kind = header?.get(KIND_HEADER) ?? "";
  const what = subject.split(".").at(-1)!;
  const asked = /^\d{1,15}$/.test(what) ? Number(what) : null;
  const name = header?.has(NAME_HEADER) ? decodeName(header.get(NAME_HEADER)) : null;
  if (kind === "approve" || kind === "resolve")
    return asked === null ? undefined : { number: seq, kind, name, question: asked };
  if (kind !== what || (kind === "send" ? name === null : kind !== "cancel")) return undefined;
  return { number: seq, kind, name, question: null };
}

function decodeName(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
