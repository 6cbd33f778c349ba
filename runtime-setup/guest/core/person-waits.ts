/** Tells when the script begins to wait for somebody, who may take hours, and when it waits for nobody any more. */
import { promiseThen, SafeSet } from "../../../src/shared/primordials.ts";
import { onReset } from "./kernel.ts";
import { clearTimer, startTimer } from "./timers.ts";

let open = 0;
const watchers = new SafeSet<() => void>();

onReset(() => {
  open = 0;
  watchers.clear();
});

function change(by: 1 | -1): void {
  const before = open;
  open += by;
  if (before === 0 || open === 0) watchers.forEach((watcher) => watcher());
}

/** Somebody is waited for until the promise settles. */
export function waitingForPerson<T>(promise: Promise<T>): Promise<T> {
  change(1);
  const over = (): void => change(-1);
  void promiseThen(promise, over, over);
  return promise;
}

/**
 * Calls `onOver` when it takes longer than so many milliseconds, whatever somebody was waited for: the time begins anew when
 * nobody is any more, since the host measures it. What it returns stops that.
 */
export function limitTime(onOver: () => void, ms: number): () => void {
  let timer: number | undefined;
  const look = (): void => {
    if (timer !== undefined) clearTimer(timer);
    timer = open > 0 ? undefined : startTimer(onOver, ms, { weak: true });
  };
  look();
  watchers.add(look);
  return () => {
    watchers.delete(look);
    if (timer !== undefined) clearTimer(timer);
  };
}
