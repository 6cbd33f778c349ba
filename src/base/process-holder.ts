import { readFileSync, readlinkSync } from "node:fs";
import { hostname, uptime } from "node:os";

/** How often somebody who holds something says so, and how long one on another machine may be silent, in milliseconds. */
export const HEARTBEAT_MS = 10_000;
export const SILENCE_MS = 30_000;

/** A process, as others can tell whether it is still there. */
export interface ProcessHolder {
  pid: number;
  /** When it started, as the system says it; "" where it does not. */
  start: string;
  /** The machine or container. */
  place: string;
  /** The machine's name. */
  host: string;
}

let own: string | undefined;

/** This process, as a text to be kept. */
export function thisHolder(): string {
  const { pid } = process;
  return (own ??= JSON.stringify({ pid, start: startOf(pid) ?? "", place: thisPlace(), host: hostname() }));
}

/** When a holder was last heard of: by the clock, and by its machine's own, which nobody sets. */
export interface SeenAt {
  /** Milliseconds since the epoch. */
  clock: number;
  /** Milliseconds since the machine was started. */
  uptime?: number;
}

/** Milliseconds since the machine was started. */
export function machineUptime(): number {
  return uptime() * 1000;
}

/** Is the process still there that this was written for? One on this machine may be silent for any time. */
export function isHeld(holder: string | null, seenAt: number | null): boolean {
  const parsed = parseHolder(holder);
  if (parsed === undefined) return false;
  if (parsed.place !== thisPlace()) return Date.now() - (seenAt ?? 0) < SILENCE_MS;
  return isThere(parsed);
}

/** The same for something that nobody may hold in silence: who has not been heard of for so long has lost it. */
export function isHeldAloud(holder: string | null, seen: SeenAt, now: number, silenceMs = SILENCE_MS): boolean {
  const parsed = parseHolder(holder);
  if (parsed === undefined) return false;
  // A clock that was set does not make anybody silent, in either direction.
  if (parsed.place !== thisPlace()) return Math.abs(now - seen.clock) < silenceMs;
  return isThere(parsed) && machineUptime() - (seen.uptime ?? 0) < silenceMs;
}

/** undefined for what is not a holder. */
export function parseHolder(holder: string | null): ProcessHolder | undefined {
  try {
    const { pid, start, place, host } = JSON.parse(holder ?? "null") as Record<string, unknown>;
    if (!Number.isSafeInteger(pid) || (pid as number) <= 0) return undefined;
    const named = typeof host === "string" ? host : String(place).split(" ")[0]!;
    return { pid: pid as number, start: String(start), place: String(place), host: named };
  } catch {
    return undefined;
  }
}

/** Containers may share a file and the name of their machine, but not the numbers of processes. */
function thisPlace(): string {
  try {
    return `${hostname()} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return hostname();
  }
}

function isThere({ pid, start }: ProcessHolder): boolean {
  if (!isAlive(pid)) return false;
  // The system gives the number of a process that has ended to another one.
  return start === "" || startOf(pid) === start;
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
