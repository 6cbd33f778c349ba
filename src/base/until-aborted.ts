import { abortable } from "./abortable.ts";

/**
 * The values of `source` as they come. When the signal aborts, or the loop is left, the source is told to return and is
 * not waited for: one that hangs holds up nobody.
 *
 * @throws {unknown} `signal.reason` when the signal aborts; what the source throws.
 */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let hasEnded = false;
  try {
    for (;;) {
      const next = await abortable(Promise.resolve(iterator.next()), signal);
      if (next.done === true) {
        hasEnded = true;
        return;
      }
      yield next.value;
    }
  } finally {
    if (!hasEnded) void leave(iterator);
  }
}

/** Tells an iterator that no more is wanted, and does not wait for it: it may hang, and what it throws nobody hears. */
export async function leave(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.(undefined);
  } catch {
    // Nobody waits for it any more.
  }
}
