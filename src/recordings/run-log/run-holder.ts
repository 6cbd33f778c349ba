import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** How often a run says that it goes on, and how long one on another machine may be silent, in milliseconds. */
export const HEARTBEAT_MS = 10_000;
const SILENCE_MS = 30_000;

let own: string | undefined;

/** This process, as a log names it: its id, when it started, and the machine or container. */
export function thisHolder(): string {
  return (own ??= JSON.stringify({ pid: process.pid, start: startOf(process.pid) ?? "", place: thisPlace() }));
}

/** Is the process still there that this was written for? `seenAt` is when it was last heard of. */
export function isHeld(holder: string | null, seenAt: number | null): boolean {
  const { pid, start, place } = parseHolder(holder);
  if (pid === undefined) return false;
  if (place !== thisPlace()) return Date.now() - (seenAt ?? 0) < SILENCE_MS;
  if (!isAlive(pid)) return false;
  // The system gives the number of a process that has ended to another one.
  return start === "" || startOf(pid) === start;
}

function parseHolder(holder: string | null): { pid?: number; start?: unknown; place?: unknown } {
  try {
    const { pid, start, place } = JSON.parse(holder ?? "null") as Record<string, unknown>;
    return Number.isSafeInteger(pid) && (pid as number) > 0 ? { pid: pid as number, start, place } : {};
  } catch {
    return {};
  }
}

/** Containers may share a log and the name of their machine, but not the numbers of processes. */
function thisPlace(): string {
  try {
    return `${hostname()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process started, as Linux says it; "ended" for one that only waits to be noticed. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // What stands before holds a name, in which there may be anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "ended" : fields[19];
  } catch {
    return undefined;
  }
}
