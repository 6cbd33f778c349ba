import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import { yieldToEventLoop } from "../yield-to-event-loop.ts";
import { afterMs } from "./after-ms.ts";

/** Where the host's work takes time and chance from: this machine, or an engine whose runs are the same each time. */
export interface TimeSource {
  /** Time passes only when nothing else is under way. */
  readonly isVirtual: boolean;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some moment, with fractions: for durations. */
  steady(): number;
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
   * @param rank of answers that are there at the same moment, which virtual time lets go first: the lowest
   */
  sleep(ms: number, signal: AbortSignal, rank?: number): Promise<void>;
  /** Work in the real world: virtual time stands still until it is done. */
  counted<T>(work: () => Promise<T>): Promise<T>;
  /** Within such work a wait for something that virtual time itself may bring about. */
  parked<T>(wait: () => Promise<T>): Promise<T>;
  /** Likewise for somebody outside. Virtual time stands still. */
  outside<T>(wait: () => Promise<T>): Promise<T>;
  /** The next place among those who {@link arrive}. */
  place(): number;
  /**
   * Resolves when what came from outside may go on: where time is virtual, one after the other, each when nothing follows
   * from the one before any more. Rejects as {@link sleep} does.
   *
   * @param place of those who wait the lowest goes first; default in the order in which they came
   */
  arrive(signal?: AbortSignal, place?: number): Promise<void>;
  /**
   * Asks for something in the real world. Where time is virtual, what is not there at once {@link arrive}s, by default what
   * was asked for first, however long each takes.
   */
  landed<T>(ask: () => T | Promise<T>, signal?: AbortSignal, place?: number): T | Promise<T>;
  /**
   * Tells somebody who only listens: what whoever publishes waits for, until there is room for more. Where time is virtual,
   * that is nothing but in a flood: what listeners do is not to change the order of things. Time stands still meanwhile.
   */
  heard(tell: () => Promise<unknown> | undefined): Promise<unknown> | undefined;
  /** What a loop that may never have to wait is to await from time to time: undefined while it need not. */
  giveWay(): Promise<void> | undefined;
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
  steady: () => performance.now(),
  random: Math.random,
  uuid: randomUUID,
  after: afterMs,
  sleep: (ms, signal) => sleepBy(ms > 0 ? REAL : NEXT_TURN, ms, signal),
  counted: (work) => work(),
  parked: (wait) => wait(),
  outside: (wait) => wait(),
  place: () => 0,
  arrive: () => Promise.resolve(),
  landed: (ask) => ask(),
  heard: (tell) => tell(),
  giveWay: yieldToEventLoop,
};

/** The one of the engine that this works for; else this machine's. */
export function timeSource(): TimeSource {
  return storage.getStore() ?? REAL;
}

/** Runs a function, and all that it starts, with another source of time. */
export function withTimeSource<T>(source: TimeSource, fn: () => T): T {
  return storage.run(source, fn);
}

/** Runs a function, and all that it starts, with this machine's time. */
export function withRealTime<T>(fn: () => T): T {
  return storage.run(REAL, fn);
}

/** See {@link TimeSource.sleep}. */
export function sleepBy(
  { after }: { after(ms: number, fn: () => void): () => void },
  ms: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const onAbort = (): void => {
      stop();
      reject(signal!.reason as Error);
    };
    const stop = after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The values of `source`; where time is virtual, what each takes to come is counted as work. */
export function countedValues<T>(source: AsyncIterable<T>): AsyncIterable<T> {
  const time = timeSource();
  return time.isVirtual ? each(source, (next) => time.counted(next)) : source;
}

/** The values of `source`, which comes about in the real world; see {@link TimeSource.landed}. */
export function landedValues<T>(source: AsyncIterable<T>, signal: AbortSignal, place: number): AsyncIterable<T> {
  const time = timeSource();
  return each(source, (next) => Promise.resolve(time.landed(next, signal, place)));
}

/** The values of `source`, which somebody outside gives. */
export function outsideValues<T>(source: AsyncIterable<T>): AsyncIterable<T> {
  const time = timeSource();
  return time.isVirtual ? each(source, (next) => time.outside(next)) : source;
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
