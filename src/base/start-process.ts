import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { existsSync } from "node:fs";
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

/** Processes that work for this one, each with what ends it. */
const working = new Map<ChildProcess, () => void>();
let isWatching = false;

/**
 * Has a process end with this one, while it works on what comes from outside. One that computes without end does not hear
 * that its parent has gone, and nobody else would end it.
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
