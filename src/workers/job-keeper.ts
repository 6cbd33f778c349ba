import { z } from "zod";
import { toErrorRecord, GeppettoError } from "../shared/errors.ts";
import type { ExecutionDetails, Journal } from "../journal/executions/journal.ts";
import type { ScriptOutcome } from "../engine/script/script-run.ts";
import { keyOfId } from "./queue/job-names.ts";
import type { JobQueue } from "./queue/job-queue.ts";
import type { Job } from "./queue/job.ts";

const begun = z.object({ worker: z.string().max(64), seq: z.number(), why: z.string().max(200).optional() });

/** What every attempt adds to a journal, however little it does: one that adds fewer records has got no further. */
const NO_PROGRESS = 10;

/** One attempt that was begun: by whom, and where the execution stood. */
interface Begun {
  worker: string;
  seq: number;
  /** How it ended, where its worker could still say so. */
  why?: string;
}

/** An attempt that is to begin, and what is known of those before it that were lost. */
export interface Attempt {
  lost: readonly Begun[];
  /** Where the execution stands. */
  seq: number;
  isFirst: boolean;
  /** It may be what the last worker was lost with. */
  isSuspect: boolean;
  /** Why it is set aside instead. */
  refusal?: string;
}

/** Keeps account of what becomes of jobs: of attempts that were lost, and of executions that wait for a time. */
export class JobKeeper {
  readonly #queue: JobQueue;
  readonly #journal: Journal;
  readonly #worker: string;
  readonly #maxLost: number;

  constructor(queue: JobQueue, journal: Journal, { worker, maxLost }: { worker: string; maxLost: number }) {
    this.#queue = queue;
    this.#journal = journal;
    this.#worker = worker;
    this.#maxLost = maxLost;
  }

  /** What is to become of a job. Nobody had one before that is given to somebody for the first time and has not begun. */
  async attemptOf(job: Job, facts: ExecutionDetails | undefined, isFirst: boolean): Promise<Attempt> {
    const seq = facts?.lastSeq ?? 0;
    if (isFirst && facts === undefined) return { lost: [], seq, isFirst, isSuspect: false };
    const known = await this.#lostOf(job);
    // The last one got further than those before it: it is the first that was lost here.
    const lost = seq - (known.at(-1)?.seq ?? 0) < NO_PROGRESS ? known : known.slice(-1);
    const last = lost.at(-1);
    const attempt = { lost, seq, isFirst: false, isSuspect: last !== undefined && last.why === undefined };
    if (lost.length < this.#maxLost) return attempt;
    const who = lost.map(({ worker, why }) => `${worker} (${why ?? "lost"})`).join(", ");
    const refusal = `it was set aside after ${lost.length} attempts that ended with their worker or guest, and got no further: ${who}`;
    return { ...attempt, refusal };
  }

  /** Notes that an attempt begins here. */
  async begin(job: Job, { lost, seq }: Attempt): Promise<void> {
    await this.#note(job, [...lost, { worker: this.#worker, seq }]);
  }

  /** The attempt's guest was lost; the worker was not. */
  async crashed(job: Job, { lost, seq }: Attempt, why: string): Promise<void> {
    await this.#note(job, [...lost, { worker: this.#worker, seq, why: why.slice(0, 200) }]);
  }

  /** The worker stops: the attempt was not lost. */
  async putBack(job: Job, { lost }: Attempt): Promise<void> {
    await this.#note(job, lost);
  }

  /** The attempt has ended as it should, and the execution waits, until a time or for somebody. */
  async suspended(job: Job, dueAt: number | undefined): Promise<void> {
    const { link, timers } = this.#queue;
    const arm =
      dueAt === undefined
        ? this.#queue.forget("timers", job.id)
        : link.ask(() => timers.put(keyOfId(job.id), String(dueAt)));
    await Promise.all([this.#note(job, []), arm]);
  }

  /** The execution has ended: what it was submitted with is of no use any more. */
  async forget(job: Job, { isFirst }: Pick<Attempt, "isFirst">): Promise<void> {
    const buckets = ["attempts", "submitted", ...(isFirst ? [] : (["timers"] as const))] as const;
    await Promise.all(buckets.map((bucket) => this.#queue.forget(bucket, job.id)));
  }

  /** Ends an execution that is not to be tried again. */
  async setAside(job: Job, reason: string): Promise<void> {
    const error = new GeppettoError("StepError", `The execution ${job.id} has failed: ${reason}`, {
      code: "ERR_JOB_LOST",
    });
    const outcome: Omit<ScriptOutcome, "stats"> = {
      ok: false,
      end: "crashed",
      error: { ...toErrorRecord(error), fromHost: true },
    };
    const known = await this.#journal.get(job.id);
    const lease =
      known === undefined
        ? await this.#journal.begin(job.id, { script: job.script, tenant: job.tenant, details: { source: job.source } })
        : await this.#journal.resume(job.id, { takeOver: true });
    const change = { state: "failed" as const, exitCode: 1, error: error.message, waitsFor: [] };
    await lease.append([{ kind: "end", text: JSON.stringify(outcome) }], change);
    await lease.release();
  }

  async #lostOf(job: Job): Promise<Begun[]> {
    const entry = await this.#queue.link.ask(() => this.#queue.attempts.get(keyOfId(job.id)));
    if (entry === null || entry.operation !== "PUT") return [];
    return readBegun(entry.string()).slice(-this.#maxLost);
  }

  async #note(job: Job, lost: readonly Begun[]): Promise<void> {
    const { attempts, link } = this.#queue;
    const key = keyOfId(job.id);
    if (lost.length === 0) await this.#queue.forget("attempts", job.id);
    else await link.ask(() => attempts.put(key, JSON.stringify(lost)));
  }
}

/** What others wrote may be anything: nothing is known then. */
function readBegun(text: string): Begun[] {
  try {
    return z.array(begun).parse(JSON.parse(text)) as Begun[];
  } catch {
    return [];
  }
}
