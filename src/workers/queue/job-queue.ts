import type { MsgHdrs } from "@nats-io/transport-node";
import type { KV, KvEntry, KvWatchEntry } from "@nats-io/kv";
import type { ObjectStore } from "@nats-io/obj";
import { loadPackage } from "../../events/nats/load-package.ts";
import { ensureStream, makeBesideOthers } from "../../events/nats/make-stream.ts";
import { isExecutionId } from "../../journal/executions/execution-errors.ts";
import { ExecutionLog } from "../../journal/executions/nats/execution-log.ts";
import { NatsLink } from "../../journal/executions/nats/nats-link.ts";
import { toSettings, type NatsAccess, type NatsSettings } from "../../journal/executions/nats/nats-options.ts";
import { openBucket, openStreams } from "../../journal/executions/nats/open-streams.ts";
import { streamNames } from "../../journal/executions/nats/stream-names.ts";
import { JobMessage } from "./job-message.ts";
import { jobNames, keyOfId, type JobNames } from "./job-names.ts";
import { isTenant, readJob, type Job } from "./job.ts";

/** How long a job may go without a word of its worker before another one gets it, in milliseconds. */
export const ACK_WAIT_MS = 15_000;
/** A worker that is silent for so long is not there, in milliseconds. */
const WORKER_TTL_MS = 15_000;
/** Who was lost a day ago is of no interest, in milliseconds. */
const ATTEMPTS_TTL_MS = 86_400_000;
/** A message that was sent twice within this time counts once, in nanoseconds. */
const DUPLICATES_NS = 120e9;

interface Parts {
  submitted: KV;
  workers: KV;
  timers: KV;
  attempts: KV;
  budgets: KV;
  sources: ObjectStore;
  /** When the stream of jobs was made, as the server writes it. */
  madeAt: string;
  createHeaders: () => MsgHdrs;
}

interface Packages {
  Kvm: typeof import("@nats-io/kv").Kvm;
  Objm: typeof import("@nats-io/obj").Objm;
  headers: typeof import("@nats-io/transport-node").headers;
}

/** The queue of jobs on a NATS server, and what belongs to it. Jobs wait by pool and tenant. */
export class JobQueue implements AsyncDisposable {
  readonly link: NatsLink;
  readonly names: JobNames;
  readonly submitted: KV;
  readonly workers: KV;
  readonly timers: KV;
  readonly attempts: KV;
  readonly budgets: KV;
  readonly sources: ObjectStore;
  readonly #createHeaders: Parts["createHeaders"];
  readonly #settings: NatsSettings;
  readonly #consumers = new Set<string>();
  #madeAt: string;

  private constructor(link: NatsLink, names: JobNames, parts: Parts, settings: NatsSettings) {
    this.link = link;
    this.names = names;
    this.#settings = settings;
    ({
      submitted: this.submitted,
      workers: this.workers,
      timers: this.timers,
      attempts: this.attempts,
      budgets: this.budgets,
      sources: this.sources,
      madeAt: this.#madeAt,
      createHeaders: this.#createHeaders,
    } = parts);
  }

  /** Connects, and makes what is not there. @throws {GeppettoError} ERR_NATS; ERR_MISSING_PACKAGE; ERR_JOURNAL. */
  static async open(access: NatsAccess, ackWaitMs = ACK_WAIT_MS): Promise<JobQueue> {
    const settings = toSettings({ ...access, silenceMs: ackWaitMs });
    const packages = await loadPackages();
    const link = await NatsLink.connect(access);
    const names = jobNames(settings.prefix);
    try {
      const parts = await makeParts(link, names, settings, packages);
      return new JobQueue(link, names, parts, settings);
    } catch (error) {
      await link[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Makes what is not there any more. Were the jobs gone, whoever has made their stream again? */
  async restore(): Promise<boolean> {
    const { madeAt } = await makeParts(this.link, this.names, this.#settings, await loadPackages());
    const wereGone = madeAt !== this.#madeAt;
    this.#madeAt = madeAt;
    return wereGone;
  }

  /** Puts a job in the queue; one that was put there under the same reason of late is there already. */
  async push(
    { id, pool, tenant, trace }: Pick<Job, "id" | "pool" | "tenant" | "trace">,
    reason: string,
  ): Promise<void> {
    const subject = this.names.job(pool, tenant);
    const headers = this.#createHeaders();
    // Where programs in other languages look for it.
    for (const [name, value] of Object.entries(trace)) headers.set(name, value);
    await this.link.ask(() => this.link.client.publish(subject, id, { msgID: `${id} ${reason}`, headers }));
  }

  /** How many jobs wait, or are at work, in a pool, by tenant; those of a tenant that there can never be wait for ever. */
  async waiting(pool: string): Promise<Map<string, number>> {
    const subjects_filter = this.names.job(pool, "*");
    const { state } = await this.link.ask(() => this.link.manager.streams.info(this.names.jobs, { subjects_filter }));
    const counts = Object.entries(state.subjects ?? {}).map(([subject, count]): [string, number] => [
      this.names.tenantOf(subject),
      count,
    ]);
    return new Map(counts.filter(([tenant]) => isTenant(tenant)));
  }

  /** The next job of this tenant that nobody has; undefined where there is none. */
  async take(pool: string, tenant: string): Promise<JobMessage | undefined> {
    const { connection } = this.link;
    const message = await this.link.ask(async () => {
      const consumer = await this.#consumerOf(pool, tenant);
      const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.names.jobs}.${consumer}`;
      try {
        // A subscription of its own: a job comes under its own subject.
        return await connection.request(subject, JSON.stringify({ batch: 1, no_wait: true }), {
          timeout: 2000,
          noMux: true,
        });
      } catch (error) {
        // Nobody answers for a consumer that is gone.
        this.#consumers.delete(consumer);
        throw error;
      }
    });
    // What is not a message is a status, such as that there is none.
    return message.headers?.code ? undefined : new JobMessage(message);
  }

  /** What was submitted under this id. @throws {GeppettoError} ValidationError where that is not what was written. */
  async job(id: string): Promise<Job | undefined> {
    if (!isExecutionId(id)) return undefined;
    const entry = await this.link.ask(() => this.submitted.get(keyOfId(id)));
    return entry === null || isGone(entry) ? undefined : readJob(id, entry.string());
  }

  /** Is there anything in the journal of an execution? */
  async hasBegun(id: string): Promise<boolean> {
    const { row } = await new ExecutionLog(this.link, streamNames(this.#settings.prefix)).last(id);
    return row !== undefined;
  }

  /** Forgets what is kept of an execution. */
  async forget(bucket: "submitted" | "timers" | "attempts", id: string): Promise<void> {
    await this.forgetKey(bucket, keyOfId(id));
  }

  /** The bucket's own way would keep a mark of the key. */
  async forgetKey(bucket: "submitted" | "timers" | "attempts" | "workers", key: string): Promise<void> {
    const { [bucket]: name } = this.names;
    await this.link.removeLast(`KV_${name}`, `$KV.${name}.${key}`);
  }

  /** Which workers of a pool are there, by name. */
  async workersOf(pool: string): Promise<string[]> {
    const stream = `KV_${this.names.workers}`;
    const subjects_filter = `$KV.${this.names.workers}.${pool}.*`;
    const { state } = await this.link.ask(() => this.link.manager.streams.info(stream, { subjects_filter }));
    return Object.keys(state.subjects ?? {}).map((subject) => subject.split(".").at(-1)!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.link[Symbol.asyncDispose]();
  }

  async #consumerOf(pool: string, tenant: string): Promise<string> {
    // Neither has such a sign: no two have the same.
    const name = `${pool}=${tenant}`;
    if (this.#consumers.has(name)) return name;
    await this.link.ask(() =>
      this.link.manager.consumers.add(this.names.jobs, {
        durable_name: name,
        filter_subject: this.names.job(pool, tenant),
        ack_policy: "explicit",
        ack_wait: this.#settings.silenceMs * 1e6,
        max_ack_pending: 10_000,
      }),
    );
    this.#consumers.add(name);
    return name;
  }
}

async function loadPackages(): Promise<Packages> {
  const [{ Kvm }, { Objm }, { headers }] = await Promise.all([
    loadPackage(() => import("@nats-io/kv"), "@nats-io/kv"),
    loadPackage(() => import("@nats-io/obj"), "@nats-io/obj"),
    loadPackage(() => import("@nats-io/transport-node"), "@nats-io/transport-node"),
  ]);
  return { Kvm, Objm, headers };
}

/** Makes what is not there, with what the journal needs, all at once: whoever submits waits for it. */
async function makeParts(
  link: NatsLink,
  names: JobNames,
  settings: NatsSettings,
  { Kvm, Objm, headers }: Packages,
): Promise<Parts> {
  const { replicas } = settings;
  const buckets = new Kvm(link.client);
  const bucket = (name: string, ttl?: number): Promise<KV> =>
    openBucket(link, buckets, name, { replicas, ...(ttl === undefined ? {} : { ttl }) });
  const [submitted, workers, timers, attempts, budgets, sources, jobs] = await Promise.all([
    bucket(names.submitted),
    bucket(names.workers, WORKER_TTL_MS),
    bucket(names.timers),
    bucket(names.attempts, ATTEMPTS_TTL_MS),
    bucket(names.budgets),
    link.ask(() => makeBesideOthers(() => new Objm(link.client).create(names.sources, { replicas }))),
    link.ask(() =>
      ensureStream(link.manager, {
        name: names.jobs,
        subjects: [names.job("*", "*")],
        retention: "workqueue",
        storage: "file",
        discard: "new",
        duplicate_window: DUPLICATES_NS,
        num_replicas: replicas,
      }),
    ),
    openStreams(link, settings),
  ]);
  const { created: madeAt } = jobs;
  return { submitted, workers, timers, attempts, budgets, sources, madeAt, createHeaders: headers };
}

/** Puts a value where nobody has put another one since this entry was read. @throws {Error} where somebody has. */
export async function putAfter(bucket: KV, entry: KvEntry | null, key: string, value: string): Promise<void> {
  if (entry === null) await bucket.create(key, value);
  else await bucket.update(key, value, entry.revision);
}

export function isGone({ operation }: Pick<KvWatchEntry, "operation">): boolean {
  return operation !== "PUT";
}
