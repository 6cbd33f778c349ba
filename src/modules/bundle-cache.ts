/** Bundles kept for the next run, in a folder of the user's own. Whatever goes wrong with it, a script is put together anew. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, renameSync } from "node:fs";
import { lstatSync, statSync, unlinkSync, utimesSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isOwn, userCacheFolder } from "../base/user-cache-folder.ts";
import { makeFolder } from "../base/files/make-folder.ts";

/** Most that all kept bundles take, and most of them. */
const MAX_CACHE_BYTES = 256_000_000;
const MAX_BUNDLES = 500;

/** Largest bundle that is kept, in bytes: whoever takes it reads it at once, and computes its hash. */
const MAX_KEPT_BYTES = 24_000_000;

/** What somebody began to write so long ago was never finished, in milliseconds. */
const LEFT_OVER_MS = 3_600_000;

/** Where bundles are kept; undefined where there is no place for them. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return userCacheFolder("bundles", env);
}

/** Is something kept whose name begins with this key? */
export function hasKept(folder: string, key: string): boolean {
  try {
    return readdirSync(folder).some((name) => name.startsWith(key));
  } catch {
    return false;
  }
}

/** A kept bundle; undefined where there is none that is the user's own, and nobody else's to write. */
export function readKept(file: string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || !isOwn(stats) || stats.size > MAX_KEPT_BYTES) return undefined;
    const bytes = Buffer.allocUnsafe(stats.size);
    for (let at = 0; at < bytes.length;) {
      const count = readSync(descriptor, bytes, at, bytes.length - at, at);
      if (count === 0) return undefined;
      at += count;
    }
    // Whatever was not used longest goes first.
    if (Date.now() - stats.mtimeMs > LEFT_OVER_MS) utimesSync(file, new Date(), new Date());
    return bytes;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Keeps a bundle; whoever reads it meanwhile sees the old one or the new one. */
export function keep(file: string, bytes: Uint8Array): void {
  if (bytes.length > MAX_KEPT_BYTES) return;
  const folder = join(file, "..");
  const written = `${file}.${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2)}.new`;
  try {
    makeFolder(folder, { mode: 0o700 });
    const stats = lstatSync(folder);
    if (!stats.isDirectory() || !isOwn(stats)) return;
    makeRoom(folder, bytes.length);
    const descriptor = openSync(written, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      // Half a bundle, after a loss of power, is found by its checksum.
    } finally {
      closeSync(descriptor);
    }
    renameSync(written, file);
  } catch {
    remove(written);
  }
}

function makeRoom(folder: string, bytes: number): void {
  const now = Date.now();
  const kept = readdirSync(folder)
    .map((name) => ({ file: join(folder, name), stats: statSync(join(folder, name), { throwIfNoEntry: false }) }))
    .flatMap(({ file, stats }) => (stats === undefined ? [] : [{ file, size: stats.size, time: stats.mtimeMs }]))
    .sort((one, other) => one.time - other.time);
  let total = kept.reduce((sum, { size }) => sum + size, bytes);
  let count = kept.length + 1;
  for (const { file, size, time } of kept) {
    const isLeftOver = file.endsWith(".new") && now - time > LEFT_OVER_MS;
    if (!isLeftOver && total <= MAX_CACHE_BYTES && count <= MAX_BUNDLES) continue;
    remove(file);
    total -= size;
    count--;
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Somebody else has removed it, or nobody could write here.
  }
}
