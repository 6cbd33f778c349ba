import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { GeppettoError } from "../shared/errors.ts";

const STALE_MS = 10_000;
const PAUSE_MS = 15;

/**
 * Does something to a file while no other process that asks does: there is a file `{file}.lock` meanwhile. A lock whose
 * process has gone is taken over.
 *
 * @throws {GeppettoError} TimeoutError when another process keeps the lock.
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>, timeoutMs = 15_000): Promise<T> {
  const lock = `${file}.lock`;
  const owner = `${process.pid} ${hostname()} ${randomUUID()}`;
  const deadline = performance.now() + timeoutMs;
  while (!(await take(lock, owner))) {
    await takeFromTheDead(lock);
    if (performance.now() > deadline) {
      throw new GeppettoError(
        "TimeoutError",
        `Cannot write a file that others use: its lock was not free for ${timeoutMs} ms`,
      );
    }
    await sleep(PAUSE_MS * (0.5 + Math.random()));
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** The lock appears with its owner's name in it, never empty. */
async function take(lock: string, owner: string): Promise<boolean> {
  const own = `${lock}.${randomUUID()}`;
  await writeFile(own, owner, { flag: "wx", mode: 0o600 });
  try {
    await link(own, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function takeFromTheDead(lock: string): Promise<void> {
  const owner = await readFile(lock, "utf8").catch(() => undefined);
  if (owner === undefined || !(await isDead(lock, owner))) return;
  const aside = `${lock}.${randomUUID()}`;
  await rename(lock, aside).catch(() => {});
  // Another may have been faster, and this is its own lock: it gets it back.
  const taken = await readFile(aside, "utf8").catch(() => owner);
  if (taken !== owner) await link(aside, lock).catch(() => {});
  await rm(aside, { force: true });
}

async function isDead(lock: string, owner: string): Promise<boolean> {
  const [pid = "", host = ""] = owner.split(" ");
  if (host === hostname()) {
    try {
      process.kill(Number(pid), 0);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ESRCH";
    }
  }
  const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: Date.now() }));
  return Date.now() - mtimeMs > STALE_MS;
}
