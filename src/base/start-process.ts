import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { basename } from "node:path";
import { GeppettoError } from "../shared/errors.ts";

/**
 * Starts a process of this program's own.
 *
 * @param what it is for, as in "Cannot start a process for the guest"
 * @throws {GeppettoError} StepError with code ERR_ENGINE_START where the system does not let it start. Node throws some of
 *   these failures, tells of others later, and leaves out the pipes for a third kind; they are one here.
 */
export function startProcess(
  what: string,
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  let child: ChildProcess | undefined;
  try {
    child = spawn(command, args, options);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw notStarted(what, code === "ENOMEM" ? "the system has no memory for it" : `the system refuses it: ${code}`);
  }
  if (child.pid !== undefined) return child;
  // Its error event, which follows, says no more than this.
  child.on("error", () => {});
  if (!existsSync(command)) throw notStarted(what, "the program that it runs is not there any more");
  if (child.stdin === undefined)
    throw notStarted(what, "this program has too many files open; ulimit -n says how many it may");
  throw notStarted(what, "the system lets this user have no more processes; ulimit -u says how many they may");
}

function notStarted(what: string, why: string): GeppettoError {
  return new GeppettoError("StepError", `Cannot start a process for ${what}: ${why}`, { code: "ERR_ENGINE_START" });
}

/** Has the system signal a process when the one that started it ends; busybox's own has no such option. */
const SETPRIV = "/usr/bin/setpriv";
let canTie: boolean | undefined;

/**
 * The words before a command that tie its process to this one, however this one ends; none where the system cannot.
 *
 * @param signal what the process is sent then, whatever it is doing.
 */
export function tieToParent(signal: "KILL" | "TERM" = "KILL"): readonly string[] {
  canTie ??= process.platform === "linux" && existsSync(SETPRIV) && basename(realpathSync(SETPRIV)) !== "busybox";
  return canTie ? [SETPRIV, "--pdeathsig", signal] : [];
}

/** Processes that work for this one, each with what ends it. */
const working = new Map<ChildProcess, () => void>();
let isWatching = false;

/**
 * Has a process end with this one, while it works on what comes from outside. One that computes without end does not hear
 * that its parent has gone, and where the system does not tie it to this one nobody else would end it.
 *
 * @param end ends it at once, whatever it does.
 * @returns what lets it be: it has done its work.
 */
export function endWithThisProcess(child: ChildProcess, end: () => void): () => void {
  if (!isWatching) {
    isWatching = true;
    process.once("exit", () => {
      for (const stop of working.values()) stop();
    });
  }
  working.set(child, end);
  return () => void working.delete(child);
}
