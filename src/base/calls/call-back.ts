/**
 * Calls a function of the host app's from which nothing is awaited. What it throws, and what a promise of its rejects with,
 * goes to `onFailure`: an unhandled rejection would end the process, and with it everybody's scripts.
 */
export function callBack(call: () => unknown, onFailure: (error: unknown) => void = () => {}): void {
  try {
    const given = call();
    if (isThenable(given)) void Promise.resolve(given).then(undefined, onFailure);
  } catch (error) {
    onFailure(error);
  }
}

/** The same promise; nobody who leaves it alone ends the process with its failure. */
export function optional<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
