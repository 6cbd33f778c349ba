import { constants } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** Absolute paths of files, and of folders that stand for all below them; true for any file but the system's own. */
export type ReadRoots = readonly string[] | true;

export type DenialReason = "malformed" | "outside" | "missing" | "unfit";

/** Whether a path may be read, and by which rule. */
export type FileVerdict =
  | { granted: true; file: string; rule: string; handle: FileHandle }
  | { granted: false; file?: string; rule: string; reason: DenialReason };

/** No file has a longer path; to look at one would take the host's time. In characters. */
const MAX_PATH = 4_096;
/** What lies there is not files but the system's bridge to devices, processes and itself. */
export const SYSTEM_FOLDERS: readonly string[] = ["/proc", "/sys", "/dev"];

/**
 * Opens a regular file where the roots allow it. Links are followed and judged by where they lead, and what has been opened
 * is judged once more: the path may have been changed meanwhile. Devices and pipes are never opened. `/proc`, `/sys` and
 * `/dev` are open only to roots that lie within them.
 *
 * @param base what a relative path starts from.
 */
export async function openAllowed(path: string, roots: ReadRoots, base: string): Promise<FileVerdict> {
  // A NUL or a scheme is somebody trying.
  if (path === "" || path.length > MAX_PATH || path.includes("\0") || /^[a-z][a-z\d+.-]+:/i.test(path)) {
    return { granted: false, rule: "not a file path", reason: "malformed" };
  }
  const wanted = resolve(base, path);
  let file: string;
  try {
    file = await realpath(wanted);
  } catch {
    if (!(await isMissingBelow(wanted, roots))) return { granted: false, rule: "no rule", reason: "outside" };
    return { granted: false, rule: "no such file", reason: "missing" };
  }
  const rule = await ruleFor(file, roots);
  if (rule === undefined) return { granted: false, file, rule: "no rule", reason: "outside" };
  let handle: FileHandle | undefined;
  try {
    // To be opened is enough for some devices to act.
    if ((await lstat(file)).isFile()) {
      handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
      const opened = await pathOf(handle, file);
      if ((await ruleFor(opened, roots)) === undefined) {
        await handle.close();
        return { granted: false, file: opened, rule: "moved while it was opened", reason: "outside" };
      }
      if ((await handle.stat()).isFile()) return { granted: true, file, rule, handle };
    }
  } catch {
    // It has gone, or the system refuses it.
  }
  await handle?.close();
  return { granted: false, file, rule: "not a regular file that can be read", reason: "unfit" };
}

/** The root that a real path lies below, as it was given. */
async function ruleFor(file: string, roots: ReadRoots): Promise<string | undefined> {
  const system = SYSTEM_FOLDERS.find((folder) => isBelow(file, folder));
  if (roots === true) return system === undefined ? "any file" : undefined;
  for (const root of roots) {
    const from = await realpath(root).catch(() => undefined);
    if (from === undefined || !isBelow(file, from)) continue;
    if (system === undefined || isBelow(from, system)) return root;
  }
  return undefined;
}

/** Is this the folder itself, or below it? Judges the paths alone. */
export function isBelow(path: string, folder: string): boolean {
  if (isPlain(path) && isPlain(folder)) return isPlainlyBelow(path, folder);
  const way = relative(folder, path);
  return way === "" || (!isAbsolute(way) && way !== ".." && !/^\.\.[/\\]/.test(way));
}

function isPlainlyBelow(path: string, folder: string): boolean {
  return folder === "/" || (path.startsWith(folder) && (path.length === folder.length || path[folder.length] === "/"));
}

/** The one of {@link SYSTEM_FOLDERS} that this path is below. */
export function systemFolderOf(path: string): string | undefined {
  const judge = isPlain(path) ? isPlainlyBelow : isBelow;
  return SYSTEM_FOLDERS.find((folder) => judge(path, folder));
}

/** What a path has that could be said in a shorter way: a dot in front of a name may be one. */
const LONGER = /\/(?:[./]|$)/;

/** Is this an absolute path that can be compared letter by letter? Most paths are. */
export function isPlain(path: string): boolean {
  return sep === "/" && (path === "/" || (path.startsWith("/") && !LONGER.test(path)));
}

/**
 * Is the file missing in a folder that may be read? Only then may that be said: of any other path, a link's target
 * among them, it would tell what is where nothing may be read.
 */
async function isMissingBelow(path: string, roots: ReadRoots): Promise<boolean> {
  const parent = dirname(path);
  if (parent === path) return false;
  const folder = await realpath(parent).catch(() => undefined);
  if (folder === undefined) return isMissingBelow(parent, roots);
  if ((await ruleFor(folder, roots)) === undefined) return false;
  const entry = await lstat(join(folder, basename(path))).catch((error: NodeJS.ErrnoException) => error.code);
  return entry === "ENOENT";
}

/** Where the open file really is; where the system does not say, the path, if it still leads to the same file. */
async function pathOf(handle: FileHandle, path: string): Promise<string> {
  const own = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
  if (own !== undefined) return own;
  const [opened, named] = await Promise.all([handle.stat(), stat(path)]);
  return opened.ino === named.ino && opened.dev === named.dev ? realpath(path) : "";
}
