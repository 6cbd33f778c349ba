import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { burst, QUIET_BURST_MS } from "./burst.ts";

/** How long the watch sleeps at a time, in ms: by that it sees how late what is due comes. */
const SLEEP_MS = 10;
/** It works after each of the first sleeps, for what is short, and later after some: its work is lost to what it watches. */
const FIRST_SLEEPS = 4;
const SLEEPS_PER_BURST = 10;

/** Where the watch writes: the bursts so far, the time that they took, and the longest that one came too late, in ms. */
const BURSTS = 0;
const TOOK_MS = 1;
const LATEST_MS = 2;

/** Works and sleeps in turn, in a thread of its own, so that what this process itself computes delays nothing here. */
const WATCH = `
  const { parentPort, workerData: { seen, stop } } = require("node:worker_threads");
  const burst = ${burst.toString()};
  burst();
  parentPort.postMessage("watching");
  for (let sleeps = 0; Atomics.load(stop, 0) === 0; sleeps++) {
    const startedAt = performance.now();
    if (Atomics.wait(stop, 0, 0, ${SLEEP_MS}) !== "timed-out") break;
    const wokenAt = performance.now();
    let lateMs = wokenAt - startedAt - ${SLEEP_MS};
    if (sleeps < ${FIRST_SLEEPS} || sleeps % ${SLEEPS_PER_BURST} === 0) {
      burst();
      const tookMs = performance.now() - wokenAt;
      seen[${BURSTS}]++;
      seen[${TOOK_MS}] += tookMs;
      lateMs += tookMs - ${QUIET_BURST_MS};
    }
    seen[${LATEST_MS}] = Math.max(seen[${LATEST_MS}], lateMs);
  }`;

/**
 * Sees how busy the machine is while something is done. A bound in ms that the product promises holds on a machine that
 * has time for it; on a busy one it holds in proportion.
 */
export class MachineWatch {
  readonly #seen: Float64Array<SharedArrayBuffer>;
  readonly #stop: Int32Array<SharedArrayBuffer>;
  readonly #ended: Promise<unknown>;

  private constructor(worker: Worker, seen: Float64Array<SharedArrayBuffer>, stop: Int32Array<SharedArrayBuffer>) {
    this.#seen = seen;
    this.#stop = stop;
    this.#ended = once(worker, "exit");
  }

  static async start(): Promise<MachineWatch> {
    const seen = new Float64Array(new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT));
    const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const worker = new Worker(WATCH, { eval: true, workerData: { seen, stop } });
    const watch = new MachineWatch(worker, seen, stop);
    await once(worker, "message");
    return watch;
  }

  /**
   * How long what takes at most `ms` on a quiet machine may take on this one: it takes as many times longer, and begins
   * as late, as other work has since the watch began.
   */
  allow(ms: number): number {
    const { [BURSTS]: bursts = 0, [TOOK_MS]: tookMs = 0, [LATEST_MS]: latestMs = 0 } = this.#seen;
    const slowness = bursts === 0 ? 1 : tookMs / bursts / QUIET_BURST_MS;
    return (ms + Math.max(0, latestMs)) * Math.max(1, slowness);
  }

  /** Ends the watch, with the burst that is under way; what it has seen stays. */
  async stop(): Promise<void> {
    Atomics.store(this.#stop, 0, 1);
    Atomics.notify(this.#stop, 0);
    await this.#ended;
  }
}

export interface Timed<T> {
  result: T;
  /** How long the work took. */
  ms: number;
  /** How long what is promised to take at most `ms` may have taken: see {@link MachineWatch.allow}. */
  allow(ms: number): number;
}

/** Times a piece of work, with a watch on the machine meanwhile. */
export async function timed<T>(work: () => Promise<T> | T): Promise<Timed<T>> {
  const watch = await MachineWatch.start();
  try {
    const startedAt = performance.now();
    const result = await work();
    const ms = performance.now() - startedAt;
    return { result, ms, allow: (promisedMs) => watch.allow(promisedMs) };
  } finally {
    await watch.stop();
  }
}
