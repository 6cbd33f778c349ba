import { createDeferred, type Deferred } from "../../../base/deferred.ts";
import type { JournalAccess } from "./journal-access.ts";
import type { WatchedChanges } from "./journal-listeners.ts";

/** Waits for changes of an execution; one that came since it was last looked at is not missed. */
export class ChangeSignal implements Disposable {
  readonly #stop: () => void;
  readonly #signal: AbortSignal | undefined;
  #next: Deferred<void> = createDeferred();

  constructor(access: JournalAccess, id: string, changes: WatchedChanges, signal?: AbortSignal) {
    const stop = access.watch(id, this.#wake, changes);
    this.#signal = signal;
    signal?.addEventListener("abort", this.#wake);
    this.#stop = () => {
      stop();
      signal?.removeEventListener("abort", this.#wake);
    };
  }

  /** To be called before looking at what may change. */
  expect(): void {
    this.#next = createDeferred();
    if (this.#signal?.aborted) this.#wake();
  }

  /** Resolves with the first change since then, and when the signal aborts. */
  next(): Promise<void> {
    return this.#next.promise;
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  readonly #wake = (): void => this.#next.resolve();
}
