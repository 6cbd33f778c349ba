import { randomUUID } from "node:crypto";
import { link, lstat, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isLockDead, isLockOf, withFileLock } from "./file-lock.ts";
import { readRegularFile, type ReadFileOptions } from "./read-regular-file.ts";
import { requireFileName } from "./files/file-name.ts";
import { makeFolder } from "./files/make-folder.ts";

/** How the name of a file ends that is being written. */
const PARTIAL = ".partial";
/** Who may read what is written: its owner alone. */
export const PRIVATE_FILE = 0o600;
/** Less what the user's mask takes away. */
const PUBLIC_FILE = 0o666;
const PRIVATE_FOLDER = 0o700;
/** After this long nobody writes a partial file any more. */
const LEFT_OVER_MS = 60_000;

/**
 * Writes a file so that whoever reads it, or a crash, finds the old text or the new one and nothing between. Only its
 * owner may read it, unless it is public: then it keeps the rights that it has, or gets those of any new file.
 *
 * @param isNew is it an error ("EEXIST") where there is such a file already?
 * @throws {Error} that says in a few words that a link, a pipe or a device is there; the file system's own errors.
 */
export async function replaceFile(file: string, text: string, { isNew = false, isPublic = false } = {}): Promise<void> {
  requireFileName(file);
  const there = await lstat(file).catch(() => undefined);
  if (there?.isSymbolicLink()) throw new Error("it is a link");
  if (there?.isDirectory()) throw new Error("it is a folder");
  if (there !== undefined && !there.isFile()) throw new Error("it is not a regular file");
  const partial = `${file}.${randomUUID()}${PARTIAL}`;
  try {
    const handle = await open(partial, "wx", isPublic ? PUBLIC_FILE : PRIVATE_FILE);
    try {
      if (isPublic && there !== undefined) await handle.chmod(there.mode & 0o777);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (isNew) {
      await link(partial, file);
      await rm(partial);
    } else await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(file));
}

/**
 * Changes a file while no other process does, in one piece. What writers that were killed have left is removed.
 *
 * @param change gets the text, undefined where there is no file; undefined leaves all as it is.
 */
export async function updateFile(
  file: string,
  options: ReadFileOptions,
  change: (text: string | undefined) => string | undefined,
): Promise<void> {
  makeFolder(dirname(file), { mode: PRIVATE_FOLDER });
  await withFileLock(file, async () => {
    for (const left of await leftOversOf(file, { isLocked: true })) await rm(left, { force: true });
    const text = change(readRegularFile(file, options));
    if (text !== undefined) await replaceFile(file, text);
  });
}

/** Does writing into a folder reach the disk? A file that is new, or has a new name, is not safe before that. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders, and keeps their order by itself.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems, of networks for example, do not know this.
    if (!["EINVAL", "ENOTSUP"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    await handle.close();
  }
}

/**
 * The files that killed writers of `file` have left beside it.
 *
 * @param isLocked does the caller hold the lock? Then nobody else writes, and every draft is a left-over.
 */
export async function leftOversOf(file: string, { isLocked = false } = {}): Promise<string[]> {
  const folder = dirname(file);
  const own = basename(file);
  const found: string[] = [];
  for (const name of await readdir(folder).catch((): string[] => [])) {
    if (!name.startsWith(`${own}.`)) continue;
    const path = join(folder, name);
    const isLeft = isLockOf(name, own)
      ? !(isLocked && name === `${own}.lock`) && (await isLockDead(path))
      : name.endsWith(PARTIAL) && (isLocked || (await isOldPartial(path)));
    if (isLeft) found.push(path);
  }
  return found;
}

/** Is it a file that was being written, by somebody who has not done so for a while? */
export async function isOldPartial(path: string): Promise<boolean> {
  if (!path.endsWith(PARTIAL)) return false;
  const at = (await stat(path).catch(() => undefined))?.mtimeMs;
  return at !== undefined && Date.now() - at > LEFT_OVER_MS;
}
