import type { ChildProcess, SpawnOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { startProcess } from "../base/start-process.ts";
import type { BundleOrder, BundleResult } from "./bundler-messages.ts";

/** How long the process may take to end the bundler and itself, in milliseconds. */
const LEAVE_MS = 1_000;

/** What the system gives the bundler's process, and the one that Node has for it, of private memory, in KB each. */
const DATA_KB = 1_500_000;
const CPU_SECONDS = 600;

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

function setReferenced(child: ChildProcess, isReferenced: boolean): void {
  if (isReferenced) child.ref();
  else child.unref();
  if (isReferenced) child.channel?.ref();
  else child.channel?.unref();
}

/** The process that puts one script together, with an empty environment and a group of its own. */
function startBundler(): ChildProcess {
  const main = createRequire(import.meta.url).resolve("#bundler-child");
  let command = process.execPath;
  // Much is read and forgotten, in a life that is short.
  let args = ["--max-semi-space-size=32", main];
  if (process.platform === "linux" && existsSync("/bin/sh")) {
    const limits = `ulimit -c 0 && ulimit -d ${DATA_KB} && ulimit -t ${CPU_SECONDS}`;
    args = ["-c", `${limits} && exec "$0" "$@"`, command, ...args];
    command = "/bin/sh";
  }
  // What it says as it dies is for nobody.
  const stdio: ("ignore" | "ipc")[] = ["ignore", "ignore", "ignore", "ipc"];
  const options: SpawnOptions = { env: {}, cwd: "/", stdio, detached: true, serialization: "advanced" };
  return startProcess("the script's imports", command, args, options);
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
  const onEnd = (): void => {
    leave();
    resolve({ isDead: true });
  };
  child.once("exit", onEnd).once("error", onEnd);
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
      clearTimeout(late);
      if (child.exitCode !== 0) endGroup(child);
    });
    if (isDone) {
      // The script need not wait for that, nor the host.
      late.unref();
      setReferenced(child, false);
    } else {
      if (child.connected) child.disconnect();
      await gone;
    }
  }
}

/** Ends the process and the bundler, whatever these are doing. */
function endGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // It has gone, or the system knows no groups.
    child.kill("SIGKILL");
  }
}
