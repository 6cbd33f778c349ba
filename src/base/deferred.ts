/** A promise with its two ends in hand. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

export function createDeferred<T = void>(): Deferred<T> {
  return Promise.withResolvers<T>();
}

/** Resolves when both have; undefined where there is nothing to wait for. */
export function bothOf(
  first: Promise<unknown> | undefined,
  second: Promise<unknown> | undefined,
): Promise<unknown> | undefined {
  return first === undefined || second === undefined ? (first ?? second) : Promise.all([first, second]);
}
