import { AsyncLocalStorage } from "node:async_hooks";
import { timeSource } from "../time/time-source.ts";

/**
 * What it means to ask a second time, where nobody knows whether the first time had an effect.
 * - none: it reads, so it may be asked again · keyed: it may be called again with the same `idempotencyKey`
 * - once: it is never called again by itself
 */
export type CallEffect = "none" | "keyed" | "once";

/** Something of the outside that is asked for in a script's work: a host app's function, a model, a tool. */
export interface AskedOutside {
  /** For people: the function or the model. */
  name: string;
  effect: CallEffect;
  /** What it is asked with; only of what has an effect. */
  args?: readonly unknown[];
  /** It is a further part of an answer to something that had an effect, and is kept as long as that is. */
  isPart?: boolean;
  /** Aborted when nobody waits for it any more. */
  signal?: AbortSignal;
  /** The answer that what somebody says has come of it stands for; throws where it cannot be one. Default: what was said. */
  toAnswer?: (value: unknown) => unknown;
  /** Of several values: the one that stands for what somebody says has come of it. */
  toItem?: (value: unknown) => unknown;
}

/** Stands between the host's work for a script and what it asks for outside; an execution that lasts keeps the answers. */
export interface Outside {
  /** What the next thing that is asked for is known by, the same each time that this work is done. */
  nextKey(): string;
  call<T>(asked: AskedOutside, ask: () => T | Promise<T>): Promise<T>;
  /** The same for what answers at once. */
  callNow<T>(asked: AskedOutside, ask: () => T): T;
  values<T>(asked: AskedOutside, open: () => AsyncIterable<T>): AsyncIterable<T>;
}

const storage = new AsyncLocalStorage<Outside>();

/** Runs a function, and all that it starts, with something between it and the outside. */
export function withOutside<T>(outside: Outside, fn: () => T): T {
  return storage.run(outside, fn);
}

/** What stands between the present work and the outside; undefined where nothing does. */
export function currentOutside(): Outside | undefined {
  return storage.getStore();
}

/** Asks for something outside. What is asked for must be able to cross the wall: the answer may be kept. */
export async function askOutside<T>(asked: AskedOutside, ask: () => T | Promise<T>): Promise<T> {
  const outside = storage.getStore();
  return outside === undefined ? timeSource().landed(ask, asked.signal) : outside.call(asked, ask);
}

/** Asks for something that gives values one after the other; they are JSON. */
export function valuesFromOutside<T>(asked: AskedOutside, open: () => AsyncIterable<T>): AsyncIterable<T> {
  const outside = storage.getStore();
  return outside === undefined ? open() : outside.values(asked, open);
}
