import { lstatSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { makeFolder } from "./files/make-folder.ts";
import { namedFolder, userHome } from "./files/user-home.ts";

/** A folder for things that can be made anew, in the user's cache folder; undefined where there is no place for them. */
export function userCacheFolder(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const base = baseFolder(env);
  return base === undefined || !isAbsolute(base) ? undefined : join(base, "geppetto-js", name);
}

/** The same, made, and only where nobody but the user can write to it or put another one in its place. */
export function ownCacheFolder(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folder = userCacheFolder(name, env);
  if (folder === undefined) return undefined;
  try {
    makeFolder(folder, { mode: 0o700 });
    const isSafe = [folder, join(folder, ".."), join(folder, "../..")].every((path) => {
      const stats = lstatSync(path);
      return stats.isDirectory() && isOwn(stats);
    });
    return isSafe ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** May nobody but the user write it? */
export function isOwn({ uid, mode }: { uid: number; mode: number }): boolean {
  return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
}

function baseFolder(env: NodeJS.ProcessEnv): string | undefined {
  const given = namedFolder(env["XDG_CACHE_HOME"]);
  if (given !== undefined) return given;
  if (process.platform === "win32") return env["LOCALAPPDATA"];
  const home = userHome(env);
  // What several users share is nobody's own.
  if (home === "/" || home === tmpdir()) return undefined;
  return process.platform === "darwin" ? join(home, "Library", "Caches") : join(home, ".cache");
}
