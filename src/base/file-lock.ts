import { randomUUID } from "node:crypto";
import { link, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { GeppettoError } from "../shared/errors.ts";

/** Work under a lock takes milliseconds: a lock that is older belongs to nobody. */
const STALE_MS = 30_000;
const PAUSE_MS = 15;
const LOCK = ".lock";

/** Is it a file that {@link withFileLock} makes for `file`? Both are names without a folder. */
export function isLockOf(name: string, file: string): boolean {
  return name === file + LOCK || name.startsWith(`${file}${LOCK}.`);
}

/**
 * Does something to a file while no other process that asks does: there is a file `{file}.lock` meanwhile. A lock whose
 * process has gone is taken over.
 *
 * @throws {GeppettoError} TimeoutError when others keep the lock.
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>, timeoutMs = 45_000): Promise<T> {
  const lock = file + LOCK;
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
    if ((await ownerOf(lock)) === owner) await rm(lock, { force: true });
  }
}

/** Does the process that wrote this lock, or the draft of one, still run? */
export async function isLockDead(lock: string): Promise<boolean> {
  const owner = await ownerOf(lock);
  return owner !== undefined && (await isDead(lock, owner));
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

/**
 * Removes a lock whose owner has gone. Of several who see it one alone may: who makes the second lock, which names that
 * owner. It looks once more, since another may have been faster, and the lock be somebody else's by now.
 */
async function takeFromTheDead(lock: string): Promise<void> {
  const owner = await ownerOf(lock);
  if (owner === undefined || !(await isDead(lock, owner))) return;
  const right = `${lock}.${owner.split(" ").at(-1)!}.dead`;
  if (!(await take(right, `${process.pid} ${hostname()} ${randomUUID()}`))) {
    if (await isLockDead(right)) await rm(right, { force: true });
    return;
  }
  try {
    if ((await ownerOf(lock)) === owner) await rm(lock, { force: true });
  } finally {
    await rm(right, { force: true });
  }
}

async function ownerOf(lock: string): Promise<string | undefined> {
  return readFile(lock, "utf8").catch(() => undefined);
}

async function isDead(lock: string, owner: string): Promise<boolean> {
  const [pid = "", host = ""] = owner.split(" ");
  if (host === hostname()) {
    try {
      process.kill(Number(pid), 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return true;
    }
  }
  const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: Date.now() }));
  return Date.now() - mtimeMs > STALE_MS;
}
