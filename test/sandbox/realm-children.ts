import { readdirSync, readFileSync } from "node:fs";

/** The realm children of a process, found by their parent and what they run. */
export function realmChildren(parent: number): number[] {
  const found: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(ppid) !== parent || state === "Z") continue;
      if (readFileSync(`/proc/${name}/cmdline`, "utf8").includes("realm-child")) found.push(Number(name));
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

/** Ends them as the system does that has no memory left. */
export function killRealmChildren(): void {
  for (const child of realmChildren(process.pid)) {
    try {
      process.kill(child, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}
