/** What to do when a signal aborts, for each that is waited with: one listener serves all waits, which are many and short. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

function waitingFor(signal: AbortSignal): Set<() => void> {
  const known = waiting.get(signal);
  if (known !== undefined) return known;
  const made = new Set<() => void>();
  waiting.set(signal, made);
  signal.addEventListener("abort", () => made.forEach((onAbort) => onAbort()), { once: true });
  return made;
}

/**
 * Waits for `promise` or for the signal, whichever comes first.
 *
 * @throws {unknown} `signal.reason` when the signal is or gets aborted first.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    // Nobody waits for it any more: its failure must not end the process.
    promise.catch(() => {});
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const others = waitingFor(signal);
    const onAbort = (): void => {
      others.delete(onAbort);
      reject(signal.reason);
    };
    others.add(onAbort);
    promise.then(
      (value) => {
        others.delete(onAbort);
        resolve(value);
      },
      (error: unknown) => {
        others.delete(onAbort);
        reject(error);
      },
    );
  });
}
