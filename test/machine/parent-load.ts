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

/** Measures what this thread computes between two turns of its event loop. */
export async function measureLoad<T>(
  work: () => T | Promise<T>,
): Promise<{ result: T; stallMs: number; addedMB: number }> {
  const before = heldMB();
  let last = process.threadCpuUsage();
  let stallMs = 0;
  const look = (): void => {
    const { user, system } = process.threadCpuUsage(last);
    stallMs = Math.max(stallMs, (user + system) / 1000);
    last = process.threadCpuUsage();
  };
  await new Promise((resolve) => setImmediate(resolve));
  last = process.threadCpuUsage();
  const timer = setInterval(look, 1);
  const result = await work();
  look();
  clearInterval(timer);
  return { result, stallMs, addedMB: heldMB() - before };
}

/** Cores that are shared slow each other down: the same work counts more CPU time on a machine that is full. */
export function allowedStallMs(): number {
  return MAX_STALL_MS * Math.max(1, loadavg()[0]! / availableParallelism());
}
