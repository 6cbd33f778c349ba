import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type ivm from "isolated-vm";

/** For how long an isolate that is gone may still have a thread that frees it, in milliseconds. */
const GONE_MS = 5000;
/** How much may be computed while threads are waited for, in milliseconds: a native loop does not end. */
const LEAVE_CPU_MS = 250;
/** The longest wait, in milliseconds: a machine that gives them less has other troubles. */
const LEAVE_MS = 5000;
/** Where it cannot be seen whether threads work: several times what they need on a machine that has the time. */
const BLIND_MS = 30;
/** How often in a row no thread may be seen at work: one may just be waiting for another. */
const QUIET_LOOKS = 2;

const live = new Set<ivm.Isolate>();
let isListening = false;
let goneAt = -Infinity;
/** Does the process end since nothing is left to do? Then no thread computes any more. */
let endsByItself = false;

/**
 * The process waits for its isolates when it exits: one that computes, or waits for an answer, would hold it for ever, and
 * one whose thread still runs, or is being freed, would take it down.
 */
export function endAtExit(isolate: ivm.Isolate): void {
  if (!isListening) {
    process.on("beforeExit", () => {
      endsByItself = true;
      // It comes only where somebody has found something to do after all.
      setImmediate(() => (endsByItself = false)).unref();
    });
    process.on("exit", endAll);
  }
  isListening = true;
  live.add(isolate);
}

export function forgetAtExit(isolate: ivm.Isolate): void {
  if (live.delete(isolate)) goneAt = performance.now();
}

function endAll(): void {
  for (const isolate of live) if (!isolate.isDisposed) isolate.dispose();
  // Such a process takes its heap apart, too, which isolated-vm survives less often where its threads are done before.
  if (endsByItself) return;
  if (live.size > 0 || performance.now() - goneAt < GONE_MS) waitForThreads();
}

/** Waits, without going on with anything else, until no other thread of this process is at work. */
function waitForThreads(): void {
  const clock = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const sleep = (ms: number): unknown => Atomics.wait(clock, 0, 0, ms);
  const since = process.cpuUsage();
  const startedAt = performance.now();
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    const areAtWork = othersAtWork();
    if (areAtWork === undefined) return void sleep(BLIND_MS);
    quiet = areAtWork ? 0 : quiet + 1;
    const { user, system } = process.cpuUsage(since);
    if ((user + system) / 1000 >= LEAVE_CPU_MS || performance.now() - startedAt >= LEAVE_MS) return;
    sleep(1);
  }
}

/** Does any thread but this one run, or wait for the machine to let it run? Undefined where that cannot be seen: it is Linux that says so. */
function othersAtWork(): boolean | undefined {
  try {
    const own = readlinkSync("/proc/thread-self").split("/").at(-1);
    return readdirSync("/proc/self/task").some((id) => id !== own && isAtWork(id));
  } catch {
    return undefined;
  }
}

function isAtWork(thread: string): boolean {
  try {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, "latin1");
    return /^[RD]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    // It has ended meanwhile.
    return false;
  }
}
