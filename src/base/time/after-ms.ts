import { MAX_TIMER_MS } from "../../shared/limits.ts";

/**
 * Calls `fn` after so many milliseconds, also after more than a timer can measure: Node would call it at once. The function
 * that it returns stops that.
 */
export function afterMs(ms: number, fn: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (left: number): void => {
    timer = setTimeout(() => (left > MAX_TIMER_MS ? arm(left - MAX_TIMER_MS) : fn()), Math.min(left, MAX_TIMER_MS));
  };
  arm(ms);
  return () => clearTimeout(timer);
}
