import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** Where runs are logged: the file that GEPPETTO_LOG names, else one in the user's data folder. */
export function runLogFile(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const { GEPPETTO_LOG: named, XDG_DATA_HOME: data = "", HOME: home } = env;
  if (named) return named;
  // A relative one is to be ignored, says the standard that it comes from.
  const folder = isAbsolute(data) ? data : join(home || homedir(), ".local", "share");
  return join(folder, "geppetto-js", "runs.db");
}
