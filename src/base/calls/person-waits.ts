import { timeSource } from "../time/time-source.ts";

/** Tells when a script begins to wait for somebody, who may take hours, and when it waits for nobody any more. */
export class PersonWaits {
  readonly #watchers = new Set<() => void>();
  #open = 0;

  /** Is somebody waited for? */
  get areOpen(): boolean {
    return this.#open > 0;
  }

  /** Somebody is waited for while this is done. */
  async during<T>(wait: () => Promise<T>): Promise<T> {
    if (++this.#open === 1) this.#tell();
    try {
      return await wait();
    } finally {
      if (--this.#open === 0) this.#tell();
    }
  }

  /** Hears of each change; what it returns ends that. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => void this.#watchers.delete(onChange);
  }

  #tell(): void {
    for (const onChange of this.#watchers) onChange();
  }
}

/** Calls `onOver` when so many milliseconds have passed in which nobody was waited for. What it returns stops that. */
export function limitTime(ms: number, waits: PersonWaits | undefined, onOver: () => void): () => void {
  const time = timeSource();
  let left = ms;
  let since = 0;
  let stop: (() => void) | undefined;
  const onChange = (): void => {
    if (waits?.areOpen !== true) {
      since = time.steady();
      stop = time.after(Math.max(0, left), onOver);
    } else if (stop !== undefined) {
      stop();
      stop = undefined;
      left -= time.steady() - since;
    }
  };
  onChange();
  const unwatch = waits?.watch(onChange);
  return () => {
    unwatch?.();
    stop?.();
  };
}
