import type { ChildProcess } from "node:child_process";
import { createRequire } from "node:module";
import { endWithThisProcess } from "../base/start-process.ts";
import type { BundleOrder, BundleResult } from "./bundler-messages.ts";
import { endGroup, setReferenced, startCodeProcess } from "./code-process.ts";

/** How long the process may take to end the bundler and itself, in milliseconds. */
const LEAVE_MS = 1_000;

/** A process that waits for a script. */
let waiting: ChildProcess | undefined;

/** Starts a process ahead of its use, if none waits: it does not keep this process alive, and ends with it. */
export function startBundlerAhead(): void {
  if (waiting !== undefined) return;
  const child = startBundler();
  waiting = child;
  const forget = (): void => {
    if (waiting === child) waiting = undefined;
  };
  child.once("exit", forget).once("error", forget);
  setReferenced(child, false);
}

/** A process that waits, or a new one. */
function takeBundler(): ChildProcess {
  const child = waiting ?? startBundler();
  waiting = undefined;
  setReferenced(child, true);
  return child;
}

/** The process that puts one script together. It ends with this one, but for a moment in which it keeps what it has made. */
function startBundler(): ChildProcess {
  return startCodeProcess("the script's imports", createRequire(import.meta.url).resolve("#bundler-child"), "TERM");
}

/**
 * Puts a script together in a process that starts for it and ends with it. Rejects with the signal's reason. Once it
 * has resolved the process needs a moment to keep the bundle and to end.
 */
export async function runBundler(order: BundleOrder, signal: AbortSignal): Promise<BundleResult> {
  signal.throwIfAborted();
  const child = takeBundler();
  const { promise, resolve, reject } = Promise.withResolvers<BundleResult>();
  const { promise: gone, resolve: leave } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(signal.reason);
  // Who is in a hurry to end does not wait for the process: one that hangs would go on alone.
  const letBe = endWithThisProcess(child, () => endGroup(child));
  const onDead = (): void => resolve({ isDead: true });
  child.once("exit", () => {
    leave();
    // The system may tell of its end before what it has sent is read. The end of the channel comes after that.
    if (child.connected) child.once("disconnect", onDead);
    else onDead();
  });
  child.once("error", () => {
    leave();
    onDead();
  });
  child.once("message", (result: BundleResult) => resolve(result));
  signal.addEventListener("abort", onAbort, { once: true });
  let isDone = false;
  try {
    child.send(order, () => {});
    const result = await promise;
    isDone = !("isDead" in result);
    return result;
  } finally {
    signal.removeEventListener("abort", onAbort);
    const late = setTimeout(() => endGroup(child), LEAVE_MS);
    void gone.then(() => {
      letBe();
      clearTimeout(late);
      if (child.exitCode !== 0) endGroup(child);
    });
    if (isDone) {
      letBe();
      // The script need not wait for that, nor the host.
      late.unref();
      setReferenced(child, false);
    } else {
      if (child.connected) child.disconnect();
      await gone;
    }
  }
}
