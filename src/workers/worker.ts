import { hostname, availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { KvEntry } from "@nats-io/kv";
import { EnginePool } from "../../runtime-setup/engine-pool.ts";
import { createDeferred } from "../base/deferred.ts";
import { toLogger, type Logger } from "../base/logger.ts";
import { isHeldAloud, machineUptime, thisHolder } from "../base/process-holder.ts";
import type { Journal } from "../journal/executions/journal.ts";
import { NatsJournal } from "../journal/executions/nats/nats-journal.ts";
import { GeppettoError } from "../shared/errors.ts";
import { ExecutionAlarms } from "./execution-alarms.ts";
import { JobKeeper } from "./job-keeper.ts";
import { JobRunner } from "./job-runner.ts";
import { ACK_WAIT_MS, JobQueue, putAfter } from "./queue/job-queue.ts";
import { checkNames } from "./queue/job.ts";
import { checkWeights, TenantTurns } from "./tenant-turns.ts";
import { WORKER_FIELDS, type WorkerOptions, type WorkerStats } from "./worker-options.ts";
import { refuseWrong } from "../shared/wrong-option.ts";
import { BUDGET_FIELDS } from "../providers/cost/budget.ts";
import { checkAccess } from "../journal/executions/nats/nats-options.ts";

/** How long a free worker waits before it looks again, though nobody has told it of a job, in milliseconds. */
const LOOK_MS = 500;
/** Attempts that may be lost in a row. */
const MAX_LOST = 3;
const NAME = /^[\w-]{1,64}$/;
const SILENT = { stdout: () => {}, stderr: () => {} };

/**
 * Takes jobs of a pool from a NATS server, and runs them as executions that last. When it is lost, others go on with what it
 * was at.
 *
 * @example
 * await using worker = await Worker.start({ nats: { servers: "127.0.0.1:4222" }, engine: { setup: [setupDefaults()] } });
 * await worker.closed;
 */
export class Worker implements AsyncDisposable {
  readonly name: string;
  readonly #pool: string;
  readonly #slots: number;
  readonly #silenceMs: number;
  readonly #logger: Logger;
  readonly #queue: JobQueue;
  readonly #journal: Journal;
  readonly #engines: EnginePool;
  readonly #runner: JobRunner;
  readonly #alarms: ExecutionAlarms;
  readonly #turns: TenantTurns;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #closed = createDeferred();
  #wake = createDeferred();
  #closing: Promise<void> | undefined;

  private constructor(options: WorkerOptions, name: string, queue: JobQueue, journal: Journal) {
    const { pool = "default", slots = availableParallelism(), engine = {} } = options;
    const logger = toLogger(options.logger);
    const { silenceMs = ACK_WAIT_MS, weights, nats } = options;
    this.name = name;
    this.#pool = pool;
    this.#slots = slots;
    this.#silenceMs = silenceMs;
    this.#logger = logger;
    this.#queue = queue;
    this.#journal = journal;
    this.#engines = new EnginePool({ console: SILENT, ...engine, size: slots });
    const onError = (error: unknown): void => {
      if (!this.#stopping.signal.aborted) logger.warn(`Cannot look after suspended executions: ${String(error)}`);
    };
    this.#alarms = new ExecutionAlarms(queue, journal, nats.prefix ?? "geppetto", onError);
    this.#turns = new TenantTurns(weights);
    this.#runner = new JobRunner(options, {
      queue,
      journal,
      keeper: new JobKeeper(queue, journal, { worker: name, maxLost: options.maxLost ?? MAX_LOST }),
      alarms: this.#alarms,
      engines: this.#engines,
      stopping: this.#stopping.signal,
    });
  }

  /** @throws {GeppettoError} ERR_NATS; ConfigError ERR_WORKER_NAME where one of this name is there; as an engine's options are refused. */
  static async start(options: WorkerOptions): Promise<Worker> {
    refuseWrong("start the worker", options, WORKER_FIELDS);
    for (const limits of Object.values(options.budgets ?? {})) refuseWrong("bound a tenant", limits, BUDGET_FIELDS);
    checkWeights(options.weights);
    const { nats, pool = "default", name = defaultName(), silenceMs = ACK_WAIT_MS } = options;
    checkAccess("reach NATS", nats);
    checkNames({ pool, tenant: "default" });
    if (!NAME.test(name))
      throw new GeppettoError(
        "ConfigError",
        'Cannot start the worker: its name has 1 to 64 letters, digits, "-" and "_"',
      );
    const queue = await JobQueue.open(nats, silenceMs);
    let journal: Journal | undefined;
    try {
      journal = await NatsJournal.open({ ...nats, silenceMs });
      const worker = new Worker(options, name, queue, journal);
      await worker.#open();
      return worker;
    } catch (error) {
      await journal?.close();
      await queue[Symbol.asyncDispose]();
      throw error;
    }
  }

  get stats(): WorkerStats {
    const { begun, done } = this.#runner;
    return { running: this.#running.size, begun, done };
  }

  /** Resolves when it is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Takes no further jobs; what is at work is put back, for others to go on with. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #key(): string {
    return `${this.#pool}.${this.name}`;
  }

  async #open(): Promise<void> {
    const { link, workers } = this.#queue;
    const entry = await link.ask(() => workers.get(this.#key));
    // One that was killed on this machine is known to be gone.
    if (entry !== null && entry.operation === "PUT" && isThere(entry.string()))
      throw new GeppettoError("ConfigError", `Cannot start the worker: one of the name ${this.name} is there already`, {
        code: "ERR_WORKER_NAME",
      });
    await this.#sayName(entry);
    await this.#alarms.open();
    void this.#watchConnection();
    void this.#sayAgain();
    link.connection.subscribe(this.#queue.names.job(this.#pool, "*"), { callback: () => this.#wake.resolve() });
    void this.#work();
  }

  /** Of two that say the same name at the same moment one does. */
  async #sayName(entry: KvEntry | null): Promise<void> {
    const { link, workers } = this.#queue;
    try {
      await link.ask(() => putAfter(workers, entry, this.#key, thisHolder()));
    } catch (error) {
      throw new GeppettoError("ConfigError", `Cannot start the worker: one of the name ${this.name} is there already`, {
        code: "ERR_WORKER_NAME",
        cause: error,
      });
    }
  }

  async #sayAgain(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(this.#silenceMs / 4, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      await this.#queue.link.ask(() => this.#queue.workers.put(this.#key, thisHolder())).catch(() => {});
    }
  }

  async #watchConnection(): Promise<void> {
    const { link } = this.#queue;
    for await (const { type } of link.connection.status()) {
      if (this.#stopping.signal.aborted) continue;
      if (type === "disconnect") this.#logger.warn("The NATS server is away: waiting for it");
      if (type !== "reconnect") continue;
      this.#logger.warn("The NATS server is there again");
      await link.insist(
        () => this.#goOn(),
        ({ message }) => {
          if (!this.#stopping.signal.aborted) this.#logger.warn(`Cannot go on as before, trying again: ${message}`);
        },
      );
      this.#wake.resolve();
    }
  }

  /** The connection was lost for a while: what was kept, and what was listened with, may be gone. */
  async #goOn(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    if (await this.#queue.restore())
      this.#logger.warn(
        "The server has come back without what it kept: its streams were made again, what was submitted is gone",
      );
    await this.#queue.link.ask(() => this.#queue.workers.put(this.#key, thisHolder()));
    await this.#alarms.reopen();
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#wake = createDeferred();
      try {
        while (!signal.aborted && this.#running.size < this.#slots && (await this.#takeOne()));
      } catch (error) {
        if (!signal.aborted) this.#logger.warn(`Cannot take a job, trying again: ${(error as Error).message}`);
      }
      if (signal.aborted) return;
      const over = new AbortController();
      const looked = sleep(LOOK_MS, undefined, { signal: over.signal }).catch(() => {});
      await Promise.race([this.#wake.promise, looked]);
      over.abort();
    }
  }

  /** Takes a job of the tenant whose turn it is. False where none waits. */
  async #takeOne(): Promise<boolean> {
    const waiting = await this.#queue.waiting(this.#pool);
    for (const tenant of this.#turns.order(waiting.keys())) {
      const message = await this.#queue.take(this.#pool, tenant);
      if (message === undefined) continue;
      this.#turns.took(tenant);
      const running = this.#runner.serve(message).finally(() => {
        this.#running.delete(running);
        this.#wake.resolve();
      });
      this.#running.add(running);
      return true;
    }
    return false;
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    this.#wake.resolve();
    this.#alarms.close();
    await Promise.all(this.#running);
    await this.#engines.close();
    await this.#journal.close();
    await this.#queue.link.connection.flush().catch(() => {});
    if (!this.#queue.link.connection.isClosed()) await this.#queue.forgetKey("workers", this.#key).catch(() => {});
    await this.#queue[Symbol.asyncDispose]();
    this.#closed.resolve();
  }
}

function defaultName(): string {
  return `${hostname()
    .replace(/[^\w-]/g, "_")
    .slice(0, 48)}-${process.pid}`;
}

function isThere(holder: string): boolean {
  const now = Date.now();
  return isHeldAloud(holder, { clock: now, uptime: machineUptime() }, now);
}
