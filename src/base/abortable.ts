import { LazyAbort } from "./calls/lazy-abort.ts";

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
 * Waits for `promise` or for the abort, whichever comes first.
 *
 * @throws {unknown} `source.reason` when the source is or gets aborted first.
 */
export function abortable<T>(promise: Promise<T>, source: AbortSignal | LazyAbort): Promise<T> {
  if (source.aborted) {
    // Nobody waits for it any more: its failure must not end the process.
    promise.catch(() => {});
    return Promise.reject(source.reason);
  }
  return new Promise((resolve, reject) => {
    const others = source instanceof LazyAbort ? source : waitingFor(source);
    const onAbort = (): void => {
      others.delete(onAbort);
      reject(source.reason);
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
