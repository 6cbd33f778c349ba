// Memory and CPU time of processes, as Linux tells it.
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** The children of this process that run now. */
function children() {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      // What stands before it may hold blanks.
      return Number(readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1).split(" ")[1]) === process.pid;
    } catch {
      // It has ended.
      return false;
    }
  });
}

/** Memory that the children share with nobody, in MB. */
export function privateMBOfChildren() {
  return children().reduce((sum, pid) => {
    const kB = [...readFileSync(`/proc/${pid}/smaps_rollup`, "utf8").matchAll(/^Private_\w+:\s+(\d+) kB/gm)];
    return sum + kB.reduce((total, [, size]) => total + Number(size), 0) / 1024;
  }, 0);
}

/**
 * Begins to count the CPU milliseconds of the children, with all that the system does for them. What it gives tells how much
 * the children have used since then that still run; 0 where the system tells nothing.
 */
export function cpuMsOfChildren() {
  if (!existsSync("/proc/self/schedstat")) return () => 0;
  const before = new Map(children().map((pid) => [pid, cpuMsOf(pid)]));
  // One that ends meanwhile, of what was measured before, would be taken off.
  return () => children().reduce((sum, pid) => sum + Math.max(0, cpuMsOf(pid) - (before.get(pid) ?? 0)), 0);
}

/** Of all threads. */
function cpuMsOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
      const [nanoseconds] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
      return sum + Number(nanoseconds) / 1e6;
    }, 0);
  } catch {
    // It has ended.
    return 0;
  }
}

/** CPU milliseconds of a process so far, with those of all that it has started; 0 where the system tells nothing. */
export function cpuMsWithChildren(pid) {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return 0;
  // Its own in user and system mode, then those of children that have ended, in hundredths of a second.
  const words = readFileSync(file, "utf8").split(") ").at(-1).split(" ");
  const ended = words.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0);
  const living = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return living === "" ? ended : living.split(" ").reduce((sum, child) => sum + cpuMsWithChildren(child), ended);
}
