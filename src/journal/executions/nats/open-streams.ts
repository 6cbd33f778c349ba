import type { StreamInfo } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { loadPackage } from "../../../events/nats/load-package.ts";
import { newerJournal } from "../execution-errors.ts";
import { NO_STREAM, refusalCode } from "../../../events/nats/refusals.ts";
import type { NatsLink } from "./nats-link.ts";
import type { NatsSettings } from "./nats-options.ts";
import { streamNames } from "./stream-names.ts";

/** How many times the format of what is kept has changed. */
const VERSION = 1;
const DESCRIPTION = `geppetto-js executions, format ${VERSION}`;
const FORMAT = /^geppetto-js executions, format (\d+)$/;

export interface OpenStreams {
  holders: KV;
  values: KV;
}

/**
 * Finds the streams and buckets of a journal, and makes those that are not there.
 *
 * @throws {GeppettoError} ERR_JOURNAL_VERSION where a newer version made them; ERR_JOURNAL.
 */
export async function openStreams(link: NatsLink, settings: NatsSettings): Promise<OpenStreams> {
  const { prefix, maxBytes, replicas, silenceMs } = settings;
  const names = streamNames(prefix);
  const { Kvm } = await loadPackage(() => import("@nats-io/kv"), "@nats-io/kv");
  const size = { max_bytes: maxBytes, num_replicas: replicas };
  const buckets = new Kvm(link.client);
  // At once: whoever submits waits for it.
  const [holders, values] = await Promise.all([
    link.ask(() => buckets.create(names.holders, { ttl: silenceMs, history: 1, replicas })),
    link.ask(() => buckets.create(names.values, { history: 1, replicas })),
    ensure(link, names.logs, {
      subjects: [`${prefix}.execution.log.*`, `${prefix}.execution.begin.*`],
      ...size,
    }),
    ensure(link, names.box, { subjects: [`${prefix}.execution.told.>`], ...size }),
  ]);
  return { holders, values };
}

/** What the server says of a stream; undefined where there is none. */
export function knownStream(link: NatsLink, name: string): Promise<StreamInfo | undefined> {
  return link.ask(() =>
    link.manager.streams.info(name).catch((error: unknown) => {
      if (refusalCode(error) === NO_STREAM) return undefined;
      throw error;
    }),
  );
}

/** A stream that refuses what it has no room for, instead of forgetting what came first. */
async function ensure(
  link: NatsLink,
  name: string,
  config: { subjects: string[]; max_bytes: number; num_replicas: number },
): Promise<void> {
  const known = await knownStream(link, name);
  const format = Number(FORMAT.exec(known?.config.description ?? "")?.[1] ?? 0);
  if (format > VERSION) throw newerJournal();
  if (known !== undefined) return;
  // Of several that make it at a time all succeed.
  await link.ask(() =>
    link.manager.streams.add({
      name,
      ...config,
      description: DESCRIPTION,
      storage: "file",
      discard: "new",
      allow_direct: true,
    }),
  );
}
