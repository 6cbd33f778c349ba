/** Longest time that work made of promises alone may keep timers and I/O from their turn, in milliseconds. */
const LONGEST_MS = 10;

let yieldedAt = 0;
let pending: Promise<void> | undefined;

/**
 * What a loop that may never have to wait is to await from time to time, so that timers fire and signals arrive:
 * undefined as long as nobody has been kept waiting, else a promise that resolves when they have had their turn.
 */
export function yieldToEventLoop(): Promise<void> | undefined {
  if (pending !== undefined || performance.now() - yieldedAt < LONGEST_MS) return pending;
  pending = new Promise((resolve) => {
    setImmediate(() => {
      yieldedAt = performance.now();
      pending = undefined;
      resolve();
    });
  });
  return pending;
}
