import type { SchemaAnswer, SchemaRequest } from "./schema-child.ts";
import { SchemaProcess } from "./schema-process.ts";

/** Processes that check at once, and how long one check may take there: schemas and values may be made to take for ever. */
interface Lane {
  readonly processes: number;
  readonly limitMs: number;
  /** What the system gives its processes less of, from 0 to 19. */
  readonly niceness: number;
  readonly idle: SchemaProcess[];
  busy: number;
}

/** Where every check begins. */
const fast: Lane = { processes: 2, limitMs: 100, niceness: 0, idle: [], busy: 0 };
/** Where one goes on that takes longer, and where those of its owner begin from then on. */
const slow: Lane = { processes: 2, limitMs: 500, niceness: 10, idle: [], busy: 0 };

/** Processes of a lane that stay when nobody asks. */
const IDLE_PROCESSES = 1;
/** How long they stay. */
const IDLE_MS = 60_000;
/** Questions of one owner that wait; more are refused. */
const MAX_WAITING = 2000;

interface Job {
  request: SchemaRequest;
  signal: AbortSignal | undefined;
  lane: Lane;
  resolve(answer: SchemaAnswer | "overdue" | "dropped"): void;
}

interface Owner {
  readonly waiting: Job[];
  isBusy: boolean;
}

/** Checks that an owner has to make in the slow lane after one that took too long. */
const PENANCE = 20;
/** Owners that have such checks to make yet, and how many. */
const slowOwners = new WeakMap<object, number>();

/**
 * Who asks for checks, fairly: each owner has a queue of its own and at most one check under way; owners that wait are
 * served round robin. A check that takes long leaves the lane in which the others are made.
 */
class SchemaQueue {
  readonly #owners = new Map<object, Owner>();

  /** "overdue" when the check takes too long or kills its process, "dropped" when it is withdrawn or too many wait. */
  ask(key: object, request: SchemaRequest, signal?: AbortSignal): Promise<SchemaAnswer | "overdue" | "dropped"> {
    const owner = this.#owners.get(key) ?? { waiting: [], isBusy: false };
    if (owner.waiting.length >= MAX_WAITING || signal?.aborted === true) return Promise.resolve("dropped");
    this.#owners.set(key, owner);
    return new Promise((resolve) => {
      const job: Job = {
        request,
        signal,
        lane: slowOwners.has(key) ? slow : fast,
        resolve: (answer) => {
          signal?.removeEventListener("abort", onAbort);
          resolve(answer);
        },
      };
      const onAbort = (): void => {
        const at = owner.waiting.indexOf(job);
        if (at < 0) return;
        owner.waiting.splice(at, 1);
        job.resolve("dropped");
        this.#forget(key, owner);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      owner.waiting.push(job);
      this.#advance();
    });
  }

  #advance(): void {
    for (const [key, owner] of this.#owners) {
      const [job] = owner.waiting;
      if (owner.isBusy || job === undefined || job.lane.busy >= job.lane.processes) continue;
      // Whoever has been served goes to the end of the line.
      this.#owners.delete(key);
      this.#owners.set(key, owner);
      owner.waiting.shift();
      void this.#serve(key, owner, job);
    }
  }

  async #serve(key: object, owner: Owner, job: Job): Promise<void> {
    const { lane } = job;
    owner.isBusy = true;
    lane.busy++;
    const answer = await check(job);
    lane.busy--;
    owner.isBusy = false;
    if (answer === "overdue") slowOwners.set(key, PENANCE);
    else if (lane === slow) this.#forgive(key);
    if (job.signal?.aborted === true) job.resolve("dropped");
    else if (answer === "overdue" && lane === fast) {
      job.lane = slow;
      owner.waiting.unshift(job);
    } else job.resolve(answer);
    this.#forget(key, owner);
    this.#advance();
  }

  /** An owner whose checks have come to an end for a while is as good as any other. */
  #forgive(key: object): void {
    const left = (slowOwners.get(key) ?? 1) - 1;
    if (left > 0) slowOwners.set(key, left);
    else slowOwners.delete(key);
  }

  #forget(key: object, owner: Owner): void {
    if (!owner.isBusy && owner.waiting.length === 0) this.#owners.delete(key);
  }
}

async function check({ lane, request, signal }: Job): Promise<SchemaAnswer | "overdue"> {
  const process = idleProcess(lane) ?? new SchemaProcess(lane.niceness);
  // The time that a process takes to begin is not the schema's.
  await process.ready();
  const onAbort = (): void => process.end();
  // In the fast lane it will be over soon, and its process is worth more.
  if (lane === slow) signal?.addEventListener("abort", onAbort, { once: true });
  const answer = await process.ask(request, lane.limitMs);
  signal?.removeEventListener("abort", onAbort);
  if (answer === undefined || lane.idle.filter(({ isGone }) => !isGone).length >= IDLE_PROCESSES) process.end();
  else keep(process, lane);
  // Whoever asks next in the fast lane is not to wait for a process to begin.
  if (lane === fast && lane.idle.every(({ isGone }) => isGone)) keep(new SchemaProcess(lane.niceness), lane);
  return answer ?? "overdue";
}

function keep(process: SchemaProcess, lane: Lane): void {
  lane.idle.push(process);
  process.endAfter(IDLE_MS);
}

function idleProcess(lane: Lane): SchemaProcess | undefined {
  let process = lane.idle.pop();
  while (process?.isGone === true) process = lane.idle.pop();
  return process;
}

/** The one queue of this process. */
export const schemaQueue: SchemaQueue = new SchemaQueue();
