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
