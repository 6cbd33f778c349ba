import type { JsMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { journalFailed } from "../execution-errors.ts";
import type { NatsLink } from "./nats-link.ts";

/** Messages that are asked for at a time, and how long a consumer that nobody uses is kept, in nanoseconds. */
const BATCH = 64;
const IDLE_NS = 30e9;
/** How long what is still to come is waited for at a time, the least that can be, and how often. */
const FETCH_MS = 1000;
const MOST_FETCHES = 5;
/** How often a scan goes on with another consumer. */
const MOST_CONSUMERS = 20;

export interface ScanOptions {
  filter: string;
  /** Of each subject only the last message. */
  isLastOnly?: boolean;
  isWithoutTexts?: boolean;
}

export interface ScannedMessage {
  subject: string;
  seq: number;
  data: Uint8Array;
  time: Date;
  headers?: MsgHdrs | undefined;
}

/**
 * What is in a stream now, in order, some at a time. What comes meanwhile may be among it. Where messages are removed
 * meanwhile, a consumer of nats-server 2.9 may pass over others as well: what it has not brought is looked for again.
 */
export async function* scanStream(
  link: NatsLink,
  stream: string,
  options: ScanOptions,
): AsyncGenerator<ScannedMessage> {
  const seen = new Set<string>();
  let last = 0;
  for (let i = 0; i < MOST_CONSUMERS; i++) {
    const consumer = await ScanConsumer.open(link, stream, options, last + 1);
    let got = 0;
    try {
      for (let messages = await consumer.next(); messages.length > 0; messages = await consumer.next()) {
        for (const message of messages) {
          // It may bring one twice.
          if (message.seq <= last) continue;
          got++;
          last = message.seq;
          if (options.isLastOnly === true) seen.add(message.subject);
          yield message;
        }
      }
    } finally {
      consumer.close();
    }
    if (got >= consumer.found || (got === 0 && i > 0)) return;
    if (options.isLastOnly === true) {
      yield* lastOfOthers(link, stream, options.filter, seen);
      return;
    }
  }
  throw journalFailed("more is removed meanwhile than can be listed; ask again");
}

/** The last messages of those subjects that have not been seen. */
async function* lastOfOthers(
  link: NatsLink,
  stream: string,
  filter: string,
  seen: ReadonlySet<string>,
): AsyncGenerator<ScannedMessage> {
  const { streams } = link.manager;
  const { state } = await link.ask(() => streams.info(stream, { subjects_filter: filter }));
  for (const subject of Object.keys(state.subjects ?? {})) {
    if (seen.has(subject)) continue;
    const found = await link.ask(() => streams.getMessage(stream, { last_by_subj: subject }));
    if (found !== null) yield { subject, seq: found.seq, data: found.data, time: found.time, headers: found.header };
  }
}

/** A consumer for one scan. */
class ScanConsumer {
  /** How many messages it was to bring. */
  readonly found: number;
  readonly #link: NatsLink;
  readonly #stream: string;
  readonly #name: string;
  readonly #consumer: ReturnType<NatsLink["client"]["consumers"]["getConsumerFromInfo"]>;
  #pending: number;

  private constructor(
    link: NatsLink,
    stream: string,
    info: Parameters<NatsLink["client"]["consumers"]["getConsumerFromInfo"]>[0],
  ) {
    this.#link = link;
    this.#stream = stream;
    this.#name = info.name;
    this.found = this.#pending = info.num_pending;
    this.#consumer = link.client.consumers.getConsumerFromInfo(info);
  }

  static async open(
    link: NatsLink,
    stream: string,
    { filter, isLastOnly = false, isWithoutTexts = false }: ScanOptions,
    from: number,
  ): Promise<ScanConsumer> {
    const info = await link.ask(() =>
      link.manager.consumers.add(stream, {
        filter_subject: filter,
        ...(isLastOnly
          ? { deliver_policy: "last_per_subject" }
          : { deliver_policy: "by_start_sequence", opt_start_seq: from }),
        ack_policy: "none",
        mem_storage: true,
        inactive_threshold: IDLE_NS,
        ...(isWithoutTexts ? { headers_only: true } : {}),
      }),
    );
    return new ScanConsumer(link, stream, info);
  }

  /** The next ones; none where there are no more, or the rest is not brought. */
  async next(): Promise<readonly JsMsg[]> {
    for (let i = 0; i < MOST_FETCHES && this.#pending > 0; i++) {
      const messages = await this.#fetch(Math.min(this.#pending, BATCH));
      if (messages.length > 0) return messages;
      this.#pending = (await this.#link.ask(() => this.#consumer.info())).num_pending;
    }
    if (this.#pending > 0) throw journalFailed("NATS does not answer: a list was cut off");
    return [];
  }

  async #fetch(wanted: number): Promise<JsMsg[]> {
    const messages: JsMsg[] = [];
    for await (const message of await this.#consumer.fetch({ max_messages: wanted, expires: FETCH_MS })) {
      messages.push(message);
      this.#pending = message.info.pending;
      // Those that were to follow may have been removed.
      if (messages.length === wanted || this.#pending === 0) break;
    }
    return messages;
  }

  close(): void {
    void this.#link.manager.consumers.delete(this.#stream, this.#name).catch(() => {});
  }
}
