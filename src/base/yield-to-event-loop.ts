/** Longest time that work made of promises alone may hold up timers and I/O, in milliseconds. */
const MAX_MS = 10;

let yieldedAt = 0;
let pending: Promise<void> | undefined;

/**
 * What a loop that may never have to wait is to await from time to time, so that timers fire and signals arrive:
 * undefined while they have not waited long, else a promise that resolves when they have run.
 */
export function yieldToEventLoop(): Promise<void> | undefined {
  if (pending !== undefined || performance.now() - yieldedAt < MAX_MS) return pending;
  pending = new Promise((resolve) => {
    setImmediate(() => {
      yieldedAt = performance.now();
      pending = undefined;
      resolve();
    });
  });
  return pending;
}
