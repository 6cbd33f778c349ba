/**
 * What the process does in which modules are put together: what comes with a script can make the bundler hang, fill its
 * memory or end it, and nothing else with it.
 */
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import type { Writable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { keep } from "./bundle-cache.ts";
import { bundleModules } from "./bundling/bundle-modules.ts";
import type { BundleOrder, BundleResult } from "./bundler-messages.ts";

let bundler: ChildProcess | undefined;
let isDone = false;

/** Takes an order, puts one script together, and ends; it ends with its parent, too. */
export function serveBundler(): void {
  // It is over before optimized code would have paid for itself.
  for (const flag of ["--no-opt", "--no-maglev"]) setFlagsFromString(flag);
  subscribe("child_process", (started) => {
    const { process: child } = started as { process: ChildProcess };
    bundler = child;
    // It has no streams yet.
    process.nextTick(() => child.stdin && writeTogether(child.stdin));
  });
  process.on("message", (order: BundleOrder) => void work(order));
  process.on("disconnect", () => {
    // The bundle is being kept, which takes no time; then nothing holds this process any more.
    if (isDone) return;
    if (!isRunning(bundler)) process.exit();
    // Whoever else had to bury it may never do so; and it does not keep this process alive itself.
    setInterval(() => {}, 1_000);
    bundler.once("exit", () => process.exit());
    bundler.kill("SIGKILL");
  });
}

export { bundleModules };

/** Answers that are given in one turn go to the bundler in one piece: each that goes alone wakes it. */
function writeTogether(stream: Writable): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let isHeld = false;
  stream.write = (...args: unknown[]): boolean => {
    if (!isHeld) {
      isHeld = true;
      stream.cork();
      process.nextTick(() => {
        isHeld = false;
        stream.uncork();
      });
    }
    return write(...args);
  };
}

async function work(order: BundleOrder): Promise<void> {
  const result = await bundleModules(order).catch((): BundleResult => ({ isDead: true }));
  if (!process.connected) return;
  isDone = true;
  // So the system calls when the parent has ended: what is made is still kept.
  process.on("SIGTERM", () => {});
  process.send!(result, () => {
    if ("bundle" in result && order.keepAs !== undefined) keep(order.keepAs, result.bundle);
    if (!isRunning(bundler)) process.exit();
    bundler.once("exit", () => process.exit());
    bundler.kill("SIGKILL");
  });
}

function isRunning(child: ChildProcess | undefined): child is ChildProcess {
  return child !== undefined && child.exitCode === null && child.signalCode === null;
}
