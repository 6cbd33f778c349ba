import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { traceHeadersOfApp } from "../base/telemetry/carry-trace.ts";
import { endedOutcome } from "../engine/execution/ended-execution.ts";
import { loadScript, type Script } from "../engine/script/load-script.ts";
import type { ScriptOutcome } from "../engine/script/script-run.ts";
import {
  executionEnded,
  executionExists,
  parseExecutionId,
  unknownExecution,
} from "../journal/executions/execution-errors.ts";
import type { ExecutionDetails, ExecutionLease, Journal } from "../journal/executions/journal.ts";
import { checkAccess, type NatsAccess } from "../journal/executions/nats/nats-options.ts";
import { Permissions, type PermissionOptions } from "../permissions/permissions.ts";
import { GeppettoError } from "../shared/errors.ts";
import { toFollowed, type FollowedItem } from "./followed-item.ts";
import { checkJob, checkNames, type Job } from "./queue/job.ts";
import { keyOfId } from "./queue/job-names.ts";
import type { JobQueue } from "./queue/job-queue.ts";
import { storeSource } from "./queue/source-store.ts";
import { SharedConnection } from "./shared-connection.ts";
import { refuseWrong, type FieldsOf } from "../shared/wrong-option.ts";

/** How often somebody looks whether an execution has begun, in milliseconds. */
const LOOK_MS = 100;
/** Imports that one script may make. */
const MAX_USES = 100_000;

export interface SubmitOptions {
  nats: NatsAccess;
  /** Default "default". */
  tenant?: string;
  /** Which workers are to run it; default "default". */
  pool?: string;
  /** The execution's; default a UUID. What was submitted under an id before is not submitted again. */
  id?: string;
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  input?: string;
  /** What the script may import here, where it is put together; default what lies in its own folder. */
  import?: PermissionOptions["import"];
  /** Hears at once, before the job is in the queue, which workers of its pool are there, and how many jobs wait with it. */
  onQueue?: (queue: { workers: number; waiting: number }) => void;
}

const SUBMIT_FIELDS: FieldsOf<SubmitOptions> = {
  nats: true,
  tenant: true,
  pool: true,
  id: true,
  args: true,
  env: true,
  input: true,
  import: true,
  onQueue: true,
};

export interface FollowExecutionOptions {
  /** The number of the first item; default all. */
  from?: number;
  signal?: AbortSignal;
}

/** A script that was submitted. Closing it ends nothing but the connection. */
export class SubmittedExecution implements AsyncDisposable {
  readonly id: string;
  /** Workers of its pool that there were when it was submitted, and jobs that waited there or were at work, its own among them. */
  readonly workers: number;
  readonly waiting: number;
  /** Was it submitted by this call? Else there was one under this id before. */
  readonly isNew: boolean;
  readonly #connection: SharedConnection;
  readonly #queue: JobQueue;

  /** @internal */
  constructor(
    connection: SharedConnection,
    { id, workers, waiting, isNew }: { id: string; workers: number; waiting: number; isNew: boolean },
  ) {
    this.#connection = connection;
    this.#queue = connection.queue;
    this.id = id;
    this.workers = workers;
    this.waiting = waiting;
    this.isNew = isNew;
  }

  /** What it does, from an item on, until it has ended; the one that reads slowly slows nobody. */
  async *follow(options: FollowExecutionOptions = {}): AsyncGenerator<FollowedItem, void, undefined> {
    refuseWrong("follow the execution", options, { from: "countOrNone", signal: true });
    const { from = 1, signal } = options;
    await this.#begun(signal);
    const journal = await this.#connection.journal();
    let hasEnded = false;
    let last = from;
    for await (const record of journal.follow(this.id, { from, ...(signal === undefined ? {} : { signal }) })) {
      last = record.seq;
      const item = toFollowed(this.id, record);
      if (item === undefined) continue;
      hasEnded ||= item.type === "end";
      yield item;
    }
    // One that was cancelled while nobody ran it has no last record.
    if (!hasEnded) yield { seq: last + 1, type: "end", outcome: await this.#ended() };
  }

  /** Resolves when it has ended. */
  get outcome(): Promise<ScriptOutcome> {
    return this.#outcome();
  }

  /** What is known of it; undefined as long as it has not begun. */
  async facts(): Promise<ExecutionDetails | undefined> {
    return (await this.#connection.journal()).get(this.id);
  }

  /** Ends it: at once, or as soon as its worker hears of it. One that has not begun never will. */
  async cancel(): Promise<void> {
    const journal = await this.#connection.journal();
    try {
      await journal.cancel(this.id);
    } catch (error) {
      const { code } = error as GeppettoError;
      if (code === "ERR_EXECUTION_ENDED") return;
      if (code !== "ERR_EXECUTION_UNKNOWN") throw error;
      if (!(await cancelWaiting(journal, this.#queue, this.id))) await this.cancel();
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #outcome(): Promise<ScriptOutcome> {
    await this.#begun(undefined);
    const journal = await this.#connection.journal();
    // Its last record; what comes before was not asked for.
    for (let from = 1; ;) {
      for await (const { seq } of journal.follow(this.id, { from })) from = seq + 1;
      return this.#ended();
    }
  }

  async #ended(): Promise<ScriptOutcome> {
    const journal = await this.#connection.journal();
    const tenant = (await journal.get(this.id))?.tenant;
    const outcome = await endedOutcome(
      { journal, id: this.id, ...(tenant === undefined ? {} : { tenant }) },
      { note: () => {} },
    );
    if (outcome === undefined)
      throw new GeppettoError("StepError", `Cannot find how the execution ${this.id} has ended`);
    return outcome;
  }

  async #begun(signal: AbortSignal | undefined): Promise<void> {
    const journal = await this.#connection.journal();
    while ((await journal.get(this.id)) === undefined) {
      signal?.throwIfAborted();
      await sleep(LOOK_MS);
    }
  }
}

/** Ends one that nobody has begun: it begins and ends here. False where a worker was faster. */
async function cancelWaiting(journal: Journal, queue: JobQueue, id: string): Promise<boolean> {
  const job = await queue.job(id);
  if (job === undefined) return true;
  const { script, tenant, source } = job;
  let lease: ExecutionLease;
  try {
    lease = await journal.begin(id, { script, tenant, details: { source } });
  } catch (error) {
    if ((error as GeppettoError).code !== "ERR_EXECUTION_EXISTS") throw error;
    return false;
  }
  await lease.release({ state: "failed", exitCode: 130, error: "the execution was cancelled" });
  // Whoever takes the job finds nothing to do.
  await queue.forget("submitted", id);
  return true;
}

/**
 * Has a script run by a worker. It is put together here, with what it imports; what it may do there is for whoever runs the
 * worker to say.
 *
 * @throws {LoadError} where it cannot be put together; {GeppettoError} ERR_NATS; ValidationError for what cannot be submitted.
 * @example
 * await using execution = await submit({ file: "report.js" }, { nats: { servers: "127.0.0.1:4222" } });
 * for await (const item of execution.follow()) console.log(item);
 */
export async function submit(script: Script, options: SubmitOptions): Promise<SubmittedExecution> {
  refuseWrong("submit the script", options, SUBMIT_FIELDS);
  checkAccess("reach NATS", options.nats);
  const { nats, tenant = "default", pool = "default", id = randomUUID(), args = [], env = {}, input } = options;
  parseExecutionId(id);
  checkNames({ pool, tenant });
  const loaded = await loadHere(script, options.import);
  const job: Omit<Job, "source"> = {
    id,
    script: loaded.name,
    tenant,
    pool,
    args: [...args],
    env: { ...env },
    ...(input === undefined ? {} : { input }),
    submittedAt: Date.now(),
    trace: { ...(await traceHeadersOfApp()) },
  };
  const connection = await SharedConnection.open(nats);
  try {
    const { queue } = connection;
    // Asked before the job is there: however long its source takes, this is known at once.
    const [workers, others] = await Promise.all([queue.workersOf(pool), queue.waiting(pool)]);
    const before = [...others.values()].reduce((sum, own) => sum + own, 0);
    options.onQueue?.({ workers: workers.length, waiting: before + 1 });
    const isNew = await put(connection, checkJob({ ...job, source: await storeSource(queue, loaded) }));
    const waiting = before + (isNew ? 1 : 0);
    return new SubmittedExecution(connection, { id, workers: workers.length, waiting, isNew });
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

/** A handle for a script that was submitted before. @throws {GeppettoError} ERR_EXECUTION_UNKNOWN. */
export async function openExecution(id: string, nats: NatsAccess): Promise<SubmittedExecution> {
  const connection = await SharedConnection.open(nats);
  const { queue } = connection;
  try {
    if ((await queue.job(id)) === undefined && (await (await connection.journal()).get(id)) === undefined)
      throw unknownExecution("follow the execution", id);
    return new SubmittedExecution(connection, { id, workers: 0, waiting: 0, isNew: false });
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
}

/** Puts an execution into the queue once more. @throws {GeppettoError} ERR_EXECUTION_UNKNOWN; ERR_EXECUTION_ENDED. */
export async function resubmit(id: string, nats: NatsAccess): Promise<void> {
  await using connection = await SharedConnection.open(nats);
  const { queue } = connection;
  const journal = await connection.journal();
  const facts = await journal.get(id);
  if (facts?.state === "completed" || facts?.state === "failed")
    throw executionEnded("resume the execution", id, facts.state);
  const job = await queue.job(id);
  if (job === undefined) throw unknownExecution("resume the execution", id);
  await queue.push(job, randomUUID());
}

async function loadHere(script: Script, allowed: PermissionOptions["import"]): ReturnType<typeof loadScript> {
  const tooMany = (): GeppettoError => new GeppettoError("LimitError", "Cannot submit the script: it imports too much");
  const permissions = new Permissions(allowed === undefined ? {} : { import: allowed }, {
    maxUses: MAX_USES,
    onTooMany: tooMany,
  });
  return loadScript(script, permissions, new AbortController().signal);
}

/** Was it put there? One that was submitted before is in the queue already, or was. */
async function put(connection: SharedConnection, job: Job): Promise<boolean> {
  const { queue } = connection;
  const begun = (await queue.hasBegun(job.id)) ? await (await connection.journal()).get(job.id) : undefined;
  // What has ended may be forgotten meanwhile: then it is new.
  if (begun !== undefined) {
    if (begun.details["source"] !== job.source || begun.tenant !== job.tenant) throw executionExists(job.id);
    return false;
  }
  const text = JSON.stringify(job);
  try {
    await queue.link.ask(() => queue.submitted.create(keyOfId(job.id), text));
  } catch (error) {
    const known = await queue.job(job.id);
    if (known === undefined) throw error;
    // It is the same, whose ack was lost; or it was never put into the queue.
    if (known.source !== job.source || known.tenant !== job.tenant) throw executionExists(job.id);
    await queue.push(known, "submitted");
    return JSON.stringify(known) === text;
  }
  await queue.push(job, "submitted");
  return true;
}
