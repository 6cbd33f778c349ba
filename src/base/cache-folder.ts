import { homedir, tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";

/** A folder of this program's in the user's own cache folder; undefined where there is none that is the user's own. */
export function cacheFolder(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const base = baseFolder(env);
  return base === undefined || !isAbsolute(base) ? undefined : join(base, "geppetto-js", name);
}

function baseFolder(env: NodeJS.ProcessEnv): string | undefined {
  const given = env["XDG_CACHE_HOME"];
  if (given !== undefined && isAbsolute(given)) return given;
  if (process.platform === "win32") return env["LOCALAPPDATA"];
  const home = homeFolder();
  // What several users share is nobody's own.
  if (home === "" || home === "/" || home === tmpdir()) return undefined;
  return process.platform === "darwin" ? join(home, "Library", "Caches") : join(home, ".cache");
}

/** The system may know no folder of the user's; then asking for it is an error. */
function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return "";
  }
}
