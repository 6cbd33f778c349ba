import type { Consumer, ConsumerInfo, JsMsg } from "@nats-io/jetstream";
import type { StoredRecord } from "../journal.ts";
import { damagedRecord } from "../tables/execution-rows.ts";
import { readMessage, type ExecutionLog } from "./execution-log.ts";
import { decodeRecords, type LogMessage } from "./log-message.ts";
import type { NatsLink } from "./nats-link.ts";

/** Messages that are asked for at a time, how long they are waited for, and how long an idle consumer is kept. */
const BATCH = 32;
const FETCH_MS = 2000;
const IDLE_NS = 30e9;
/** A page is full with about as many bytes of records. */
const PAGE_BYTES = 2_000_000;
/** So many consumers that find nothing say that there is nothing. */
const MAX_MISSES = 3;
/** From so many records on the place to begin at is looked for, instead of reading all. */
const WORTH_LOOKING = 256;

export interface ReaderPlace {
  stream: string;
  subject: string;
  id: string;
}

/**
 * Reads the records of one execution in order, as far as a certain message of its log. A consumer that the server has
 * forgotten is made again where it was.
 */
export class RecordReader {
  readonly #link: NatsLink;
  readonly #place: ReaderPlace;
  #consumer: { info: ConsumerInfo; consumer: Consumer } | undefined;
  /** The last message that was read, and how many of the log came after it then. */
  #at: number;
  #pending = 0;
  /** Parts of a write whose last part is still to come. */
  #parts: { write: string; slices: Uint8Array[] } = { write: "", slices: [] };
  #next: number;
  /** How many messages the consumer has given. */
  #delivered = 0;

  private constructor(link: NatsLink, place: ReaderPlace, at: number, next: number) {
    this.#link = link;
    this.#place = place;
    this.#at = at;
    this.#next = next;
  }

  /** A reader of the records from this number on. */
  static async open(
    link: NatsLink,
    log: ExecutionLog,
    place: ReaderPlace,
    { from, first, last }: { from: number; first: number; last: number },
  ): Promise<RecordReader> {
    const at = from - first > WORTH_LOOKING ? await placeBefore(log, place.id, from, last) : 0;
    return new RecordReader(link, place, at, from);
  }

  /** The number of the record that it gives next. */
  get next(): number {
    return this.#next;
  }

  /** Some of the records up to this message of the log, with whose state the last record is `lastSeq`. */
  async page(until: number, lastSeq: number): Promise<StoredRecord[]> {
    const page: StoredRecord[] = [];
    let bytes = 0;
    let misses = 0;
    while (this.#at < until && bytes < PAGE_BYTES) {
      const messages = await this.#fetch();
      misses = messages.length > 0 ? 0 : misses + 1;
      if (misses > MAX_MISSES) throw damagedRecord(this.#place.id, this.#next);
      for (const message of messages) {
        for (const record of this.#take(message)) {
          if (record.seq < this.#next) continue;
          if (record.seq > this.#next) throw damagedRecord(this.#place.id, this.#next);
          page.push(record);
          this.#next++;
        }
        bytes += message.data.length;
        this.#at = message.seq;
      }
    }
    if (this.#at >= until && this.#next <= lastSeq) throw damagedRecord(this.#place.id, this.#next);
    return page;
  }

  close(): void {
    const { manager } = this.#link;
    const name = this.#consumer?.info.name;
    if (name !== undefined) void manager.consumers.delete(this.#place.stream, name).catch(() => {});
    this.#consumer = undefined;
  }

  /** At least one message, but where the consumer is gone. */
  async #fetch(): Promise<JsMsg[]> {
    this.#consumer ??= await this.#open();
    // There is one at least where this is not the last.
    const wanted = Math.max(1, Math.min(this.#pending, BATCH));
    const messages: JsMsg[] = [];
    let stop: (() => void) | undefined;
    try {
      const fetched = await this.#consumer.consumer.fetch({ max_messages: wanted, expires: FETCH_MS });
      stop = this.#link.onLost(() => fetched.stop());
      for await (const message of fetched) {
        // One that was lost on the way comes again with another consumer.
        if (message.info.deliverySequence !== this.#delivered + 1) break;
        this.#delivered++;
        messages.push(message);
        this.#pending = message.info.pending;
        if (messages.length === wanted) break;
      }
    } catch {
      // It is made again.
    } finally {
      stop?.();
    }
    if (messages.length < wanted) this.close();
    return messages;
  }

  async #open(): Promise<{ info: ConsumerInfo; consumer: Consumer }> {
    const { manager, client } = this.#link;
    const info = await this.#link.ask(() =>
      manager.consumers.add(this.#place.stream, {
        filter_subject: this.#place.subject,
        deliver_policy: "by_start_sequence",
        opt_start_seq: this.#at + 1,
        ack_policy: "none",
        mem_storage: true,
        inactive_threshold: IDLE_NS,
      }),
    );
    this.#delivered = 0;
    this.#pending = info.num_pending;
    return { info, consumer: client.consumers.getConsumerFromInfo(info) };
  }

  #take({ data }: JsMsg): StoredRecord[] {
    const { head, body } = readMessage(this.#place.id, data);
    const { write, part, parts, row } = head;
    if (part === 1) this.#parts = { write, slices: [] };
    this.#parts.slices.push(body);
    if (part < parts || row === null) return [];
    const { slices } = this.#parts;
    this.#parts = { write: "", slices: [] };
    // Of a write that began before the place to read from.
    if (slices.length < parts) return [];
    try {
      const all = decodeRecords(slices.length === 1 ? slices[0]! : Buffer.concat(slices), row.last_seq);
      // A checkpoint has forgotten those before.
      return all.filter(({ seq }) => seq >= row.first_seq);
    } catch (error) {
      throw Object.assign(damagedRecord(this.#place.id, this.#next), { cause: error });
    }
  }
}

/** The message of a log before those with the record of this number, found by halving. */
async function placeBefore(log: ExecutionLog, id: string, from: number, last: number): Promise<number> {
  let [low, high] = [1, last];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await log.next(id, middle);
    if (found !== undefined && hasBefore(found, from)) low = found.at + 1;
    else high = middle;
  }
  const found = await log.next(id, low);
  return found === undefined ? 0 : (found.head.begins ?? found.at) - 1;
}

/** Are all records up to this message before that number? */
function hasBefore({ head: { row } }: LogMessage, from: number): boolean {
  return row === null || row.last_seq < from;
}
