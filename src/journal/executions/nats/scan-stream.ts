import type { JsMsg } from "@nats-io/jetstream";
import { journalFailed } from "../execution-errors.ts";
import type { NatsLink } from "./nats-link.ts";

/** Messages that are asked for at a time, and how long a consumer that nobody uses is kept, in nanoseconds. */
const BATCH = 64;
const IDLE_NS = 30e9;
const FETCH_MS = 5000;

export interface ScanOptions {
  filter: string;
  /** Of each subject only the last message. */
  isLastOnly?: boolean;
  isWithoutTexts?: boolean;
}

/** What is in a stream now, in order, some at a time. What comes meanwhile may be among it. */
export async function* scanStream(link: NatsLink, stream: string, options: ScanOptions): AsyncGenerator<JsMsg> {
  const { filter, isLastOnly = false, isWithoutTexts = false } = options;
  const { manager, client } = link;
  const info = await link.ask(() =>
    manager.consumers.add(stream, {
      filter_subject: filter,
      deliver_policy: isLastOnly ? "last_per_subject" : "all",
      ack_policy: "none",
      mem_storage: true,
      inactive_threshold: IDLE_NS,
      ...(isWithoutTexts ? { headers_only: true } : {}),
    }),
  );
  try {
    const consumer = client.consumers.getConsumerFromInfo(info);
    for (let pending = info.num_pending; pending > 0;) {
      const wanted = Math.min(pending, BATCH);
      const messages: JsMsg[] = [];
      for await (const message of await consumer.fetch({ max_messages: wanted, expires: FETCH_MS })) {
        messages.push(message);
        if (messages.length === wanted) break;
      }
      if (messages.length === 0) {
        // What was to come may have been removed meanwhile.
        if ((await link.ask(() => consumer.info())).num_pending === 0) return;
        throw journalFailed("NATS does not answer: a list was cut off");
      }
      yield* messages;
      pending = messages.at(-1)!.info.pending;
    }
  } finally {
    void manager.consumers.delete(stream, info.name).catch(() => {});
  }
}
