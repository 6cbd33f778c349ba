import workerThreads from "node:worker_threads";
import { GeppettoError, toErrorRecord } from "../shared/errors.ts";

/** A lock of the process. The thread that has it keeps it for as long as it lives. */
const NAME = "geppetto-js: guests in threads that wait for their host";

let owned: Promise<boolean> | undefined;

/**
 * May guests in threads wait for what this thread of the process does? isolated-vm 7.0.1 keeps what wakes them once for all
 * the process, made by the first thread that is waited for: a wait for another one would end the process.
 */
export async function ownsBlockingCalls(): Promise<boolean> {
  const asked = (owned ??= claim());
  const isOwned = await asked;
  // The other thread may have ended when somebody asks again.
  if (!isOwned && owned === asked) owned = undefined;
  return isOwned;
}

/** What a guest gets in place of an answer where it may not wait. */
export const BLOCKING_REFUSED: string = JSON.stringify({
  ok: false,
  error: toErrorRecord(
    new GeppettoError(
      "ConfigError",
      'Cannot wait for the host: another thread of its process has engines with isolation "thread"; do it asynchronously, or use isolation "process"',
    ),
  ),
});

/** Node before 24.5 has no locks: there nothing is known of other threads. */
function claim(): Promise<boolean> {
  const { locks } = workerThreads as { locks?: typeof workerThreads.locks };
  if (locks === undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    const held = locks.request(NAME, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise(() => {});
    });
    // Where locks do not work nothing is refused.
    held.catch(() => resolve(true));
  });
}
