import { homedir, userInfo } from "node:os";
import { isAbsolute, resolve } from "node:path";

/**
 * The user's home. A HOME that is empty or relative says nothing: files would be looked for in the working directory, and
 * what came with a folder would count as the user's own. The system may know none either; then it is the root, where only
 * the system's owner writes.
 */
export function userHome(env: Readonly<Record<string, string | undefined>> = process.env): string {
  for (const ask of [() => env["HOME"] ?? "", homedir, () => userInfo().homedir]) {
    const home = answerOf(ask);
    if (isAbsolute(home)) return home;
  }
  return resolve("/");
}

/** The system throws where it knows nobody by the user's number. */
function answerOf(ask: () => string): string {
  try {
    return ask();
  } catch {
    return "";
  }
}

/** The folder that a variable such as XDG_CONFIG_HOME names; one that is relative is to be ignored, says its standard. */
export function namedFolder(named: string | undefined): string | undefined {
  return named !== undefined && isAbsolute(named) ? named : undefined;
}
