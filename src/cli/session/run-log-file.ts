import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where runs are logged: the file that GEPPETTO_LOG names, else one in the user's data folder. */
export function runLogFile(env: Environment = process.env): string {
  const { GEPPETTO_LOG: named, XDG_DATA_HOME: data = "", HOME: home } = env;
  if (named) return named;
  // A relative one is to be ignored, says the standard that it comes from.
  const folder = isAbsolute(data) ? data : join(home || homedir(), ".local", "share");
  return join(folder, "geppetto-js", "runs.db");
}

/** Where executions are kept: the file that GEPPETTO_JOURNAL names, else one beside the log of runs. */
export function executionsFile(env: Environment = process.env): string {
  return env["GEPPETTO_JOURNAL"] || join(dirname(runLogFile(env)), "executions.db");
}
