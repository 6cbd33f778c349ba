import { dirname, join } from "node:path";
import { namedFolder, userHome } from "../../files.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where runs are logged: the file that GEPPETTO_LOG names, else one in the user's data folder. */
export function runLogFile(env: Environment = process.env): string {
  const { GEPPETTO_LOG: named, XDG_DATA_HOME: data } = env;
  if (named) return named;
  const folder = namedFolder(data) ?? join(userHome(env), ".local", "share");
  return join(folder, "geppetto-js", "runs.db");
}

/** Where executions are kept: the file that GEPPETTO_JOURNAL names, else one beside the log of runs. */
export function executionsFile(env: Environment = process.env): string {
  return env["GEPPETTO_JOURNAL"] || join(dirname(runLogFile(env)), "executions.db");
}
