/**
 * The process in which modules are put together: what comes with a script can make the bundler hang, fill its memory or
 * end it, and nothing else with it. It ends with its parent.
 */
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import type { Writable } from "node:stream";
import { transform } from "esbuild";
import { keep } from "./bundle-cache.ts";
import { bundleModules } from "./bundling/bundle-modules.ts";
import type { BundleOrder, BundleResult } from "./bundler-messages.ts";

let bundler: ChildProcess | undefined;
subscribe("child_process", (started) => {
  const { process: child } = started as { process: ChildProcess };
  bundler = child;
  // It has no streams yet.
  process.nextTick(() => child.stdin && writeTogether(child.stdin));
});

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

let isDone = false;

process.on("message", (order: BundleOrder) => void work(order));

process.on("disconnect", () => {
  // The bundle is being kept, which takes no time; then nothing holds this process any more.
  if (isDone) return;
  if (bundler === undefined || bundler.exitCode !== null || bundler.signalCode !== null) process.exit();
  // Whoever else had to bury it may never do so; and it does not keep this process alive itself.
  setInterval(() => {}, 1_000);
  bundler.once("exit", () => process.exit());
  bundler.kill("SIGKILL");
});

// The bundler is started by its first use: meanwhile the order is on its way.
void transform("").catch(() => {});

async function work(order: BundleOrder): Promise<void> {
  const result = await bundleModules(order).catch((): BundleResult => ({ isDead: true }));
  if (!process.connected) return;
  isDone = true;
  process.send!(result, () => {
    if ("bundle" in result && order.keepAs !== undefined) keep(order.keepAs, result.bundle);
    if (bundler === undefined || bundler.exitCode !== null || bundler.signalCode !== null) process.exit();
    bundler.once("exit", () => process.exit());
    bundler.kill("SIGKILL");
  });
}
