import type { ChildProcess, SpawnOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { startProcess, tieToParent } from "../base/start-process.ts";
import { bundlerProgram } from "./bundler-program.ts";

/** What the system gives such a process, and the one that Node has for it, of private memory, in KB each. */
const DATA_KB = 1_500_000;
const CPU_SECONDS = 600;

/** All that these processes see of an environment: the bundler, which is written in Go, frees memory once it holds much. */
const ENVIRONMENT = { GOGC: "off", GOMEMLIMIT: "600MiB" };

/**
 * Starts a process that reads code of somebody else's: with nothing of this one's environment, in a group of its own.
 *
 * @param what it is for, as in "Cannot start a process for the script's imports"
 * @param main the file that it runs
 * @param lastSignal what the system sends it when this process has ended, whatever it is doing then.
 * @throws {GeppettoError} StepError ERR_ENGINE_START where the system does not let it start, or a part of it is not there.
 */
export function startCodeProcess(what: string, main: string, lastSignal: "KILL" | "TERM"): ChildProcess {
  // Much is read and forgotten, in a life that is short.
  const node = [process.execPath, "--min-semi-space-size=16", "--max-semi-space-size=32", main];
  let [command = "", ...args] = [...tieToParent(lastSignal), ...node];
  if (process.platform === "linux" && existsSync("/bin/sh")) {
    const limits = `ulimit -c 0 && ulimit -d ${DATA_KB} && ulimit -t ${CPU_SECONDS}`;
    args = ["-c", `${limits} && exec "$0" "$@"`, command, ...args];
    command = "/bin/sh";
  }
  // What it says as it dies is for nobody.
  const stdio: ("ignore" | "ipc")[] = ["ignore", "ignore", "ignore", "ipc"];
  const env = { ...ENVIRONMENT, ESBUILD_BINARY_PATH: bundlerProgram() };
  const options: SpawnOptions = { env, cwd: "/", stdio, detached: true, serialization: "advanced" };
  return startProcess(what, command, args, options);
}

/** Says whether the process keeps this one alive. */
export function setReferenced(child: ChildProcess, isReferenced: boolean): void {
  const verb = isReferenced ? "ref" : "unref";
  child[verb]();
  child.channel?.[verb]();
}

/** Ends the process and what it has started, whatever these are doing. */
export function endGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    // It has gone, or the system knows no groups.
    child.kill("SIGKILL");
  }
}
