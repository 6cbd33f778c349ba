import type { KV, Kvm } from "@nats-io/kv";
import { loadPackage } from "../../../events/nats/load-package.ts";
import { newerJournal } from "../execution-errors.ts";
import { ensureStream, makeBesideOthers } from "../../../events/nats/make-stream.ts";
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
    openBucket(link, buckets, names.holders, { ttl: silenceMs, replicas }),
    openBucket(link, buckets, names.values, { replicas }),
    ensure(link, names.logs, {
      subjects: [`${prefix}.execution.log.*`, `${prefix}.execution.begin.*`],
      ...size,
    }),
    ensure(link, names.box, { subjects: [`${prefix}.execution.told.>`], ...size }),
  ]);
  return { holders, values };
}

/** Finds a bucket that keeps the last value of each key, or makes it. */
export function openBucket(
  link: NatsLink,
  buckets: Kvm,
  name: string,
  options: { replicas: number; ttl?: number },
): Promise<KV> {
  return link.ask(() => makeBesideOthers(() => buckets.create(name, { history: 1, ...options })));
}

/** A stream that refuses what it has no room for, instead of forgetting what came first. */
async function ensure(
  link: NatsLink,
  name: string,
  config: { subjects: string[]; max_bytes: number; num_replicas: number },
): Promise<void> {
  const { config: found } = await link.ask(() =>
    ensureStream(link.manager, {
      name,
      ...config,
      description: DESCRIPTION,
      storage: "file",
      discard: "new",
      allow_direct: true,
    }),
  );
  const format = Number(FORMAT.exec(found.description ?? "")?.[1] ?? 0);
  if (format > VERSION) throw newerJournal();
}
