// Memory of processes, as Linux tells it.
import { readdirSync, readFileSync } from "node:fs";

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
