import type { EnginePool } from "../../runtime-setup/engine-pool.ts";
import { toLogger, type Logger } from "../base/logger.ts";
import { continueTrace } from "../base/telemetry/carry-trace.ts";
import type { ScriptOutcome } from "../engine/script/script-run.ts";
import { exitCodeOf } from "../errors/exit-code-of.ts";
import { parseExecutionId } from "../journal/executions/execution-errors.ts";
import type { Journal } from "../journal/executions/journal.ts";
import type { GeppettoError } from "../shared/errors.ts";
import type { ExecutionAlarms } from "./execution-alarms.ts";
import type { Attempt, JobKeeper } from "./job-keeper.ts";
import type { JobMessage } from "./queue/job-message.ts";
import { ACK_WAIT_MS, type JobQueue } from "./queue/job-queue.ts";
import type { Job } from "./queue/job.ts";
import { SourceReader } from "./queue/source-store.ts";
import { SharedBudget } from "./shared-budget.ts";
import type { WorkerOptions } from "./worker-options.ts";

/** How long a job is left alone that is still held by somebody, or whose guest was lost, in milliseconds. */
const AGAIN_MS = 500;
/** How long a job that a worker was lost with has to run until it is like any other, in milliseconds. */
const SUSPECT_MS = 10_000;

export interface RunnerParts {
  queue: JobQueue;
  journal: Journal;
  keeper: JobKeeper;
  alarms: ExecutionAlarms;
  engines: EnginePool;
  /** Aborts when the worker stops. */
  stopping: AbortSignal;
}

/** Runs the jobs that a worker has taken, and tells the server what has become of them. */
export class JobRunner {
  readonly #options: WorkerOptions;
  readonly #parts: RunnerParts;
  readonly #logger: Logger;
  readonly #silenceMs: number;
  readonly #sources: SourceReader;
  readonly #budgets = new Map<string, SharedBudget>();
  readonly #ids = new Set<string>();
  /** The job at work that may be what the worker before was lost with. */
  #suspect: string | undefined;
  #begun = 0;
  #done = 0;

  constructor(options: WorkerOptions, parts: RunnerParts) {
    const { silenceMs = ACK_WAIT_MS } = options;
    this.#options = options;
    this.#parts = parts;
    this.#logger = toLogger(options.logger);
    this.#sources = new SourceReader(parts.queue);
    this.#silenceMs = silenceMs;
  }

  /** Attempts that were begun, and those of them that ended or were suspended. */
  get begun(): number {
    return this.#begun;
  }

  get done(): number {
    return this.#done;
  }

  /** Does one job. Never rejects. */
  async serve(message: JobMessage): Promise<void> {
    const { id } = message;
    try {
      parseExecutionId(id);
    } catch (error) {
      this.#logger.warn(`Dropped a job: ${(error as Error).message}`);
      return message.ack();
    }
    // Said long before it is time, so that a slow moment costs nothing.
    const working = setInterval(() => message.working(), this.#silenceMs / 4);
    try {
      if (this.#ids.has(id)) return message.nak(AGAIN_MS);
      this.#ids.add(id);
      try {
        await this.#serveJob(id, message);
      } finally {
        this.#ids.delete(id);
      }
    } catch (error) {
      if (!this.#parts.stopping.aborted) this.#logger.warn(`Cannot run the job ${id}: ${(error as Error).message}`);
      message.nak(AGAIN_MS);
    } finally {
      clearInterval(working);
    }
  }

  async #serveJob(id: string, message: JobMessage): Promise<void> {
    const { journal, keeper } = this.#parts;
    const [job, facts] = await Promise.all([this.#jobOf(id), journal.get(id)]);
    if (job === undefined) return message.ack();
    if (facts?.isDamaged) {
      this.#logger.warn(`Dropped the job ${id}: what is kept of its execution is damaged`);
      await keeper.forget(job, { isFirst: false });
      return message.ack();
    }
    if (facts?.state === "completed" || facts?.state === "failed") {
      await keeper.forget(job, { isFirst: false });
      return message.ack();
    }
    // Another one is at it, or was a moment ago: its end is waited for.
    if (facts?.holder !== undefined) return message.nak(AGAIN_MS);
    const attempt = await keeper.attemptOf(job, facts, message.isFirst);
    if (attempt.refusal !== undefined) {
      await keeper.setAside(job, attempt.refusal);
      this.#logger.warn(`Set the job ${id} aside: ${attempt.refusal}`);
      await keeper.forget(job, attempt);
      return message.ack();
    }
    const leave = attempt.isSuspect ? this.#enterAlone(id) : () => {};
    // What it may be the reason of is not to be counted to another one.
    if (leave === undefined) return message.nak(AGAIN_MS);
    try {
      const outcome = await this.#run(job, attempt).catch(async (error: Error) => {
        // The worker is not lost: whoever is told of it later is to know why.
        await keeper.crashed(job, attempt, error.message);
        throw error;
      });
      await this.#settle(job, { outcome, attempt, message });
    } finally {
      leave();
    }
  }

  /** Of jobs that a worker was lost with, one at a time is at work; undefined while there is another one. */
  #enterAlone(id: string): (() => void) | undefined {
    if (this.#suspect !== undefined) return undefined;
    this.#suspect = id;
    const leave = (): void => {
      clearTimeout(timer);
      if (this.#suspect === id) this.#suspect = undefined;
    };
    const timer = setTimeout(leave, SUSPECT_MS).unref();
    return leave;
  }

  /** One that cannot be read is dropped at once: it would be the same for everybody. */
  async #jobOf(id: string): Promise<Job | undefined> {
    try {
      return await this.#parts.queue.job(id);
    } catch (error) {
      if ((error as GeppettoError).code !== "ERR_VALIDATION") throw error;
      this.#logger.warn(`Dropped the job ${id}: ${(error as Error).message}`);
      await this.#parts.queue.forget("submitted", id);
      return undefined;
    }
  }

  async #run(job: Job, attempt: Attempt): Promise<ScriptOutcome | undefined> {
    const { journal, keeper, engines, stopping } = this.#parts;
    let loaded;
    try {
      [loaded] = await Promise.all([this.#sources.read(job.source), keeper.begin(job, attempt)]);
    } catch (error) {
      if ((error as GeppettoError).code !== "ERR_VALIDATION") throw error;
      await keeper.setAside(job, (error as Error).message);
      return undefined;
    }
    const { id, tenant, args, env, input, trace, source } = job;
    const budget = this.#budgetOf(tenant);
    const { suspendAfterMs } = this.#options;
    this.#begun++;
    return continueTrace(trace, () =>
      engines.run(
        { loaded },
        {
          journal,
          id,
          tenant,
          args,
          env,
          ...(input === undefined ? {} : { input }),
          ...(budget === undefined ? {} : { budget }),
          ...(suspendAfterMs === undefined ? {} : { suspendAfterMs }),
          details: { source },
          keepEvents: true,
          exitCodeOf,
          signal: stopping,
        },
      ),
    );
  }

  async #settle(
    job: Job,
    { outcome, attempt, message }: { outcome: ScriptOutcome | undefined; attempt: Attempt; message: JobMessage },
  ): Promise<void> {
    const { journal, keeper, alarms } = this.#parts;
    if (outcome?.end === "aborted" && outcome.isCancelled !== true) {
      await keeper.putBack(job, attempt);
      return message.nak();
    }
    if (outcome?.end === "crashed") {
      const facts = await journal.get(job.id);
      if (facts === undefined) this.#logger.warn(`The job ${job.id} has ended: ${outcome.error?.message}`);
      // What a limit or a lost guest has ended may be tried again; one that somebody else has, they go on with.
      if (facts?.state === "running" || facts?.state === "suspended") {
        await keeper.crashed(job, attempt, outcome.error?.message ?? "its guest was lost");
        return message.nak(AGAIN_MS);
      }
    }
    if (outcome?.end === "suspended") {
      const dues = (outcome.waitsFor ?? []).flatMap(({ dueAt }) => dueAt ?? []);
      await keeper.suspended(job, dues.length === 0 ? undefined : Math.min(...dues));
      // What came while it was being suspended was heard of by nobody.
      await alarms.putBack(job.id);
    } else await keeper.forget(job, attempt);
    this.#done++;
    message.ack();
  }

  #budgetOf(tenant: string): SharedBudget | undefined {
    const { budgets = {} } = this.#options;
    const limits = Object.hasOwn(budgets, tenant) ? budgets[tenant] : budgets["*"];
    if (limits === undefined) return undefined;
    let budget = this.#budgets.get(tenant);
    if (budget === undefined) this.#budgets.set(tenant, (budget = new SharedBudget(this.#parts.queue, tenant, limits)));
    return budget;
  }
}
