import { availableParallelism, loadavg } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How long the parent's own work for one input may hold up others, in ms of CPU time on a machine that has the time. */
const MAX_STALL_MS = 100;
/** How much of one input it may keep. */
export const MAX_ADDED_MB = 64;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What this process holds, in MB. */
export function heldMB(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}

/** A long text is read again: of such work, on memory of its own, what holds up others for long is made. */
const LONG_TEXT = JSON.stringify("a word ".repeat(4e6));
/** How long that takes on the machine on which the bounds were chosen, while it has time, in ms of CPU time. */
const QUIET_READING_MS = 6;
/** What computes for so long is held against what the same machine needs for the reading at that moment. */
const LONG_MS = 30;

/** CPU time of this thread since `before`, in ms. */
function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

/**
 * How many times more CPU time work on memory takes here and now than on a quiet machine; at least 1. Caches, memory and
 * the threads that collect garbage are shared, so another test beside this one makes it more, at once.
 */
function dearness(): number {
  // Into the first the collection of what was left may fall.
  const took = [0, 1].map(() => {
    const before = process.threadCpuUsage();
    JSON.parse(LONG_TEXT);
    return cpuMsSince(before);
  });
  return Math.max(1, Math.min(...took) / QUIET_READING_MS);
}

/**
 * Measures what this thread computes between two turns of its event loop, as it would be on a quiet machine.
 *
 * @param before what it holds in MB, where that is known: to find out takes as long as some of the work
 */
export async function measureLoad<T>(
  work: () => T | Promise<T>,
  before: number = heldMB(),
): Promise<{ result: T; stallMs: number; addedMB: number; afterMB: number }> {
  let last = process.threadCpuUsage();
  let stallMs = 0;
  const look = (): void => {
    const ms = cpuMsSince(last);
    if (ms > stallMs) stallMs = Math.max(stallMs, ms > LONG_MS ? ms / dearness() : ms);
    last = process.threadCpuUsage();
  };
  await new Promise((resolve) => setImmediate(resolve));
  last = process.threadCpuUsage();
  const timer = setInterval(look, 1);
  const result = await work();
  look();
  clearInterval(timer);
  const afterMB = heldMB();
  return { result, stallMs, addedMB: afterMB - before, afterMB };
}

/** Cores that are shared slow each other down: the same work counts more CPU time on a machine that is full. */
export function allowedStallMs(): number {
  return MAX_STALL_MS * Math.max(1, loadavg()[0]! / availableParallelism());
}
