import { availableParallelism, loadavg } from "node:os";
import { burst, QUIET_BURST_MS } from "./burst.ts";

/** For how long a measurement holds, in ms: what else runs comes and goes. */
const FRESH_MS = 2_000;
const BURSTS = 5;

let measured = 1;
let measuredAt = -Infinity;

/**
 * How many times longer work takes here and now than on a quiet machine; at least 1. What has just begun is served
 * before what has worked for long, so a short measurement says too little of a busy machine, and its load is asked too.
 */
function slowness(): number {
  if (performance.now() - measuredAt < FRESH_MS) return measured;
  // The first time it is compiled.
  if (measuredAt < 0) burst();
  const startedAt = performance.now();
  for (let i = 0; i < BURSTS; i++) burst();
  measuredAt = performance.now();
  const [load = 0] = loadavg();
  measured = Math.max(1, (measuredAt - startedAt) / BURSTS / QUIET_BURST_MS, load / availableParallelism());
  return measured;
}

/**
 * A time that is `ms` on a quiet machine and grows with how slow this one is now, in whole ms. It is for what has to
 * be a time, such as the limit of a script that must hit it. What can be waited for is waited for.
 */
export function patience(ms: number): number {
  return Math.ceil(ms * slowness());
}
