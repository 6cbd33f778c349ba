import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, type Dirent, type Stats } from "node:fs";
import { join } from "node:path";

/** What lies under a name: a file, a folder, nothing, something else, or a link with its target after the colon. */
export type EntryKind = "file" | "folder" | "none" | "other" | `link:${string}`;

/** By what one knows that a file or a folder is as it was: its size, its identity, and when it was changed last. */
type Stamp = string;

/** What was found out about files: as long as it is true, whatever was made of it is what it would be now. */
export interface FileFacts {
  /** What lay at single paths. */
  entries: Record<string, EntryKind>;
  /** Folders that were listed, and what was looked for in them. */
  folders: Record<string, { stamp: Stamp; names: Record<string, EntryKind> }>;
  /** Files that were read. */
  files: Record<string, Stamp>;
  /** Where paths really led; "" for nowhere. */
  reals: Record<string, string>;
  /** When all this was found out, in milliseconds since 1970. */
  time: number;
}

/** A change may not show in the time of another change so shortly before, in milliseconds. */
const BLUR_MS = 100;
/** Some file systems count whole seconds, or two. */
const COARSE_BLUR_MS = 2_000;

export function emptyFacts(): FileFacts {
  return {
    entries: noProperties(),
    folders: noProperties(),
    files: noProperties(),
    reals: noProperties(),
    time: Date.now(),
  };
}

function noProperties<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/**
 * The stamp of a file or folder; "" where it was changed so shortly before that a later change might not show: then what
 * is in it has to be looked at.
 */
export function stampOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats, time: number): Stamp {
  const blur = ctimeMs % 1_000 === 0 ? COARSE_BLUR_MS : BLUR_MS;
  if (ctimeMs + blur > time) return "";
  return `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
}

/** What lies at a path, links not followed. */
export function entryAt(path: string): EntryKind {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats === undefined ? "none" : kindOf(stats, path);
}

/** What a folder holds; undefined for anything that is not a folder that can be read. */
export function listFolder(folder: string): Map<string, Dirent> | undefined {
  try {
    return new Map(readdirSync(folder, { withFileTypes: true }).map((entry) => [entry.name, entry]));
  } catch {
    return undefined;
  }
}

export function kindOf(entry: Pick<Dirent, "isFile" | "isDirectory" | "isSymbolicLink">, path: string): EntryKind {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  return entry.isSymbolicLink() ? `link:${readlinkSync(path)}` : "other";
}

export function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return "";
  }
}

/** How many paths are looked at before others have their turn. */
const SLICE = 200;

/**
 * Is all this still true? Looks in slices: between two of them `pause` is awaited.
 *
 * @param textOf what was read of a file
 */
export async function areTrue(
  facts: FileFacts,
  textOf: (path: string) => string,
  pause: () => Promise<void>,
): Promise<boolean> {
  const checks: (() => boolean)[] = [];
  for (const [path, kind] of Object.entries(facts.entries)) checks.push(() => entryAt(path) === kind);
  for (const [path, real] of Object.entries(facts.reals)) checks.push(() => realPathOf(path) === real);
  for (const [path, { stamp, names }] of Object.entries(facts.folders)) {
    checks.push(() => isSame(path, stamp, true) || hasSameNames(path, names));
  }
  for (const [path, stamp] of Object.entries(facts.files)) {
    checks.push(() => isSame(path, stamp, false) || hasSameText(path, textOf(path)));
  }
  for (const [index, check] of checks.entries()) {
    if (index % SLICE === SLICE - 1) await pause();
    try {
      if (!check()) return false;
    } catch {
      return false;
    }
  }
  return true;
}

function isSame(path: string, stamp: Stamp, isFolder: boolean): boolean {
  if (stamp === "") return false;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats !== undefined && stats.isDirectory() === isFolder && stampOf(stats, FAR_FUTURE_MS) === stamp;
}

/** Later than any file's time. */
const FAR_FUTURE_MS = Number.MAX_SAFE_INTEGER;

function hasSameNames(folder: string, names: Record<string, EntryKind>): boolean {
  const listed = listFolder(folder);
  return Object.entries(names).every(([name, kind]) => {
    const entry = listed?.get(name);
    return (entry === undefined ? "none" : kindOf(entry, join(folder, name))) === kind;
  });
}

function hasSameText(path: string, text: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  // A pipe would be waited for, and nothing longer is the same: no character takes more than three bytes.
  return stats?.isFile() === true && stats.size <= 3 * text.length && readFileSync(path, "utf8") === text;
}
