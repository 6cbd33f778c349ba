import { setTimeout as sleep } from "node:timers/promises";
import type { Middleware } from "../handler.ts";

/** Lets at most `count` messages in any `perMs` milliseconds through, over all handlers that it wraps. */
export function throttle(count: number, perMs: number): Middleware {
  if (!(count >= 1) || !(perMs >= 0))
    throw new RangeError(`Cannot throttle: ${count} messages in ${perMs} ms let nothing through`);
  /** When each of the last `count` messages went, or is to go, through. */
  const times: number[] = [];
  return (next) => async (message, context) => {
    const now = performance.now();
    const at = times.length < count ? now : Math.max(now, times.shift()! + perMs);
    times.push(at);
    if (at > now) await sleep(at - now, undefined, { signal: context.signal });
    return next(message, context);
  };
}
