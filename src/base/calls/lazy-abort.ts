import { abortable } from "../abortable.ts";

/**
 * What an AbortController does, for work that is mostly over before anybody asks for its signal: that is made when somebody
 * does. To make one and to listen to it takes Node longer than a short run takes altogether.
 */
export class LazyAbort {
  #aborted: { reason: unknown } | undefined;
  #controller: AbortController | undefined;
  /** Called in this order, before those who listen to the signal. */
  #listeners: Set<() => void> | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#aborted !== undefined;
  }

  get reason(): unknown {
    return this.#aborted?.reason;
  }

  /** The first reason counts. */
  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = { reason };
    const listeners = this.#listeners;
    this.#listeners = undefined;
    listeners?.forEach((onAbort) => onAbort());
    this.#controller?.abort(reason);
  }

  /** @throws {unknown} the reason, where it is aborted. */
  throwIfAborted(): void {
    if (this.#aborted !== undefined) throw this.#aborted.reason;
  }

  /** Calls the listener, once, when it is aborted; never where it is so already. */
  add(listener: () => void): void {
    if (this.#aborted === undefined) (this.#listeners ??= new Set()).add(listener);
  }

  delete(listener: () => void): void {
    this.#listeners?.delete(listener);
  }

  /**
   * Waits for `promise` or for the abort, whichever comes first.
   *
   * @throws {unknown} the reason when it is or gets aborted first.
   */
  abortable<T>(promise: Promise<T>): Promise<T> {
    if (this.#aborted !== undefined) {
      // Nobody waits for it any more: its failure must not end the process.
      promise.catch(() => {});
      return Promise.reject(this.#aborted.reason);
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(this.reason);
      this.add(onAbort);
      promise.then(
        (value) => {
          this.delete(onAbort);
          resolve(value);
        },
        (error: unknown) => {
          this.delete(onAbort);
          reject(error);
        },
      );
    });
  }
}

/** Calls the listener, once, when this is aborted, unless it was before. Returns what ends that. */
export function onAbort(source: LazyAbort | AbortSignal, listener: () => void): () => void {
  if (source instanceof LazyAbort) {
    source.add(listener);
    return () => source.delete(listener);
  }
  source.addEventListener("abort", listener, { once: true });
  return () => source.removeEventListener("abort", listener);
}

/** Waits for `promise` or for the abort, whichever comes first; see {@link abortable}. */
export function abortableBy<T>(source: LazyAbort | AbortSignal, promise: Promise<T>): Promise<T> {
  return source instanceof LazyAbort ? source.abortable(promise) : abortable(promise, source);
}
