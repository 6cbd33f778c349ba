import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";

/** Where the host's work takes time and chance from: this machine, or an engine whose runs are the same each time. */
export interface TimeSource {
  /** Time passes only when nothing else is under way. */
  readonly isVirtual: boolean;
  /** Milliseconds since the epoch. */
  now(): number;
  /** From 0 to 1, as `Math.random()`. */
  random(): number;
  /** A version 4 UUID. */
  uuid(): string;
  /** Calls `fn` after so many milliseconds; the function that it returns stops that. */
  after(ms: number, fn: () => void): () => void;
  /**
   * Resolves after so many milliseconds, for 0 in the next turn of the event loop, or rejects with the signal's reason as
   * soon as it aborts. Keeps the process alive meanwhile.
   *
   * @param rank of those that virtual time lets go at the same moment, which goes first: the lowest
   */
  sleep(ms: number, signal: AbortSignal, rank?: number): Promise<void>;
  /** Work in the real world: virtual time stands still until it is done. */
  counted<T>(work: () => Promise<T>): Promise<T>;
  /** Within such work a wait for something that virtual time itself may bring about. */
  parked<T>(wait: () => Promise<T>): Promise<T>;
}

const storage = new AsyncLocalStorage<TimeSource>();

const NEXT_TURN = {
  after(_: number, fn: () => void): () => void {
    const turn = setImmediate(fn);
    return () => clearImmediate(turn);
  },
};

const REAL: TimeSource = {
  isVirtual: false,
  now: Date.now,
  random: Math.random,
  uuid: randomUUID,
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  sleep: (ms, signal) => sleepBy(ms > 0 ? REAL : NEXT_TURN, ms, signal),
  counted: (work) => work(),
  parked: (wait) => wait(),
};

/** The one of the engine that this works for; else this machine's. */
export function timeSource(): TimeSource {
  return storage.getStore() ?? REAL;
}

/** Runs a function, and all that it starts, with another source of time. */
export function withTimeSource<T>(source: TimeSource, fn: () => T): T {
  return storage.run(source, fn);
}

/** See {@link TimeSource.sleep}. */
export function sleepBy(
  { after }: { after(ms: number, fn: () => void): () => void },
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      stop();
      reject(signal.reason as Error);
    };
    const stop = after(ms, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** The values of `source`; where time is virtual, what each takes to come is counted as work. */
export function countedValues<T>(source: AsyncIterable<T>): AsyncIterable<T> {
  const time = timeSource();
  return time.isVirtual ? each(source, (next) => time.counted(next)) : source;
}

/** The values of `source`, which virtual time may bring about. */
export function parkedValues<T>(source: AsyncIterable<T>): AsyncIterable<T> {
  const time = timeSource();
  return time.isVirtual ? each(source, (next) => time.parked(next)) : source;
}

async function* each<T>(
  source: AsyncIterable<T>,
  take: (next: () => Promise<IteratorResult<T>>) => Promise<IteratorResult<T>>,
): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let hasEnded = false;
  try {
    for (;;) {
      const next = await take(() => iterator.next());
      if (next.done === true) {
        hasEnded = true;
        return;
      }
      yield next.value;
    }
  } finally {
    if (!hasEnded) await iterator.return?.(undefined);
  }
}
