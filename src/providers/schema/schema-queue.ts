import { currentCall } from "../../base/call-context.ts";
import type { SchemaAnswer, SchemaRequest } from "./schema-child.ts";
import { SchemaProcess } from "./schema-process.ts";

/** Processes that check at once, and how long one check may take there: schemas and values may be made to take for ever. */
interface Lane {
  readonly processes: number;
  readonly limitMs: number;
  /** What the system gives its processes less of, from 0 to 19. */
  readonly niceness: number;
  idle: SchemaProcess[];
  busy: number;
}

/** Where every check begins. */
const fast: Lane = { processes: 2, limitMs: 100, niceness: 0, idle: [], busy: 0 };
/** Where one goes on that takes longer, and where those of its owner begin from then on. */
const slow: Lane = { processes: 2, limitMs: 500, niceness: 10, idle: [], busy: 0 };

/**
 * How long a process stays when nobody asks. All do: one that works for one owner all the time would else leave the next
 * one to wait until another has begun, which takes a second on a busy machine.
 */
const IDLE_MS = 60_000;
/** Questions of one owner that wait; more are refused. */
const MAX_WAITING = 2000;

interface Job {
  request: SchemaRequest;
  signal: AbortSignal | undefined;
  resolve(answer: SchemaAnswer | "overdue" | "dropped"): void;
  reject(error: unknown): void;
}

interface Owner {
  readonly waiting: Job[];
  isBusy: boolean;
}

/** How long an owner's checks begin in the slow lane after one that took too long, in milliseconds. */
const SLOW_MS = 10_000;
/** Owners of whom that is so, and until when. */
const slowOwners = new WeakMap<object, number>();

/** Most tenants that are known; those that were known first are forgotten first. */
const MAX_TENANTS = 1000;
const tenants = new Map<string, object>();

/** All scripts of a tenant are one owner, however many it runs, at once or one after the other. */
function tenantOf(owner: object): object {
  const name = currentCall()?.tenant ?? "";
  if (name === "") return owner;
  const tenant = tenants.get(name) ?? { name };
  tenants.set(name, tenant);
  if (tenants.size > MAX_TENANTS) tenants.delete(tenants.keys().next().value!);
  return tenant;
}

/**
 * Who asks for checks, fairly: each owner has a queue of its own and at most one check under way; owners that wait are
 * served round robin. A check that takes long leaves the lane in which the others are made.
 */
class SchemaQueue {
  readonly #owners = new Map<object, Owner>();

  /**
   * "overdue" when the check takes too long or kills its process, "dropped" when it is withdrawn or too many wait. Rejects
   * where no process can be started.
   */
  ask(asking: object, request: SchemaRequest, signal?: AbortSignal): Promise<SchemaAnswer | "overdue" | "dropped"> {
    const key = tenantOf(asking);
    const owner = this.#owners.get(key) ?? { waiting: [], isBusy: false };
    if (owner.waiting.length >= MAX_WAITING || signal?.aborted === true) return Promise.resolve("dropped");
    this.#owners.set(key, owner);
    return new Promise((resolve, reject) => {
      const job: Job = {
        request,
        signal,
        resolve: (answer) => {
          signal?.removeEventListener("abort", onAbort);
          resolve(answer);
        },
        reject: (error) => {
          signal?.removeEventListener("abort", onAbort);
          reject(error);
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
      // Not when it is asked: those that wait behind a check that takes too long would each take too long there.
      const lane = (slowOwners.get(key) ?? 0) > performance.now() ? slow : fast;
      if (owner.isBusy || job === undefined || lane.busy >= lane.processes) continue;
      // Whoever has been served goes to the end of the line.
      this.#owners.delete(key);
      this.#owners.set(key, owner);
      owner.waiting.shift();
      void this.#serve(key, owner, job, lane);
    }
  }

  async #serve(key: object, owner: Owner, job: Job, lane: Lane): Promise<void> {
    owner.isBusy = true;
    lane.busy++;
    let answer: SchemaAnswer | "overdue" | undefined;
    try {
      answer = await check(job, lane);
    } catch (error) {
      job.reject(error);
    }
    lane.busy--;
    owner.isBusy = false;
    if (answer === "overdue") slowOwners.set(key, performance.now() + SLOW_MS);
    if (answer === undefined) {
      // Its job has been told.
    } else if (job.signal?.aborted === true) job.resolve("dropped");
    else if (answer === "overdue" && lane === fast) owner.waiting.unshift(job);
    else job.resolve(answer);
    this.#forget(key, owner);
    this.#advance();
  }

  #forget(key: object, owner: Owner): void {
    if (!owner.isBusy && owner.waiting.length === 0) this.#owners.delete(key);
  }
}

async function check({ request, signal }: Job, lane: Lane): Promise<SchemaAnswer | "overdue"> {
  const process = idleProcess(lane) ?? new SchemaProcess(lane.niceness);
  // The time that a process takes to begin is not the schema's.
  await process.ready();
  const onAbort = (): void => process.end();
  // In the fast lane it will be over soon, and its process is worth more.
  if (lane === slow) signal?.addEventListener("abort", onAbort, { once: true });
  const answer = await process.ask(request, lane.limitMs);
  signal?.removeEventListener("abort", onAbort);
  if (answer === undefined) process.end();
  else keep(process, lane);
  // Whoever asks next in the fast lane is not to wait for a process to begin.
  if (lane === fast && lane.idle.every(({ isGone }) => isGone)) startAhead(lane);
  return answer ?? "overdue";
}

function startAhead(lane: Lane): void {
  try {
    keep(new SchemaProcess(lane.niceness), lane);
  } catch {
    // Whoever needs one is told.
  }
}

function keep(process: SchemaProcess, lane: Lane): void {
  lane.idle.push(process);
  process.endAfter(IDLE_MS);
}

/** The one that was used last, so that one that is not needed comes to its end; one that still begins only if it must be. */
function idleProcess(lane: Lane): SchemaProcess | undefined {
  const idle = lane.idle.filter(({ isGone }) => !isGone);
  const process = idle.findLast(({ isReady }) => isReady) ?? idle.at(-1);
  lane.idle = idle.filter((other) => other !== process);
  return process;
}

/** The one queue of this process. */
export const schemaQueue: SchemaQueue = new SchemaQueue();
