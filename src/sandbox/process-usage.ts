import { readFile } from "node:fs/promises";

/** Size of a page in /proc/<pid>/stat, in bytes. */
const PAGE_BYTES = 4096;
/** Length of a clock tick there, in milliseconds: the kernel tells everybody the same, whatever its own. */
const TICK_MS = 10;

/** What a process has used so far. */
export interface ProcessUsage {
  /** CPU time, in steps of 10 ms. */
  cpuMs: number;
  /** Resident memory, in MB. */
  residentMB: number;
}

/** What the system tells of a process; undefined where it tells nothing, or the process is gone. Linux only. */
export async function usageOf(pid: number | undefined): Promise<ProcessUsage | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name comes before, in parentheses, and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    return { cpuMs, residentMB: (Number(fields[21]) * PAGE_BYTES) / 1e6 };
  } catch {
    return undefined;
  }
}
