import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { ISOLATIONS, withEngine } from "./engine-harness.ts";

/**
 * Microtasks, timers, immediates and events, nested. What was started in different turns is due in an order of its own
 * only where one waits for the other: the timers of the runs for their events, "late" for those timers.
 */
const MIXED = `
  const log = (text) => console.log(text);
  const later = (text, ms) => new Promise((resolve) => setTimeout(() => { log(text); resolve(); }, ms));
  log("body");
  setTimeout(() => {
    log("timer 5");
    Promise.resolve().then(() => log("timer 5 microtask")).then(() => setImmediate(() => log("timer 5 immediate")));
  }, 5);
  setTimeout(() => log("timer 2a"), 2);
  setTimeout(() => log("timer 1"), 1);
  setTimeout(() => {
    log("timer 0");
    queueMicrotask(() => log("timer 0 microtask"));
    doubleStep.runWithEvents(3, ({ type }) => { log("nested " + type); queueMicrotask(() => log("nested " + type + " microtask")); });
    setImmediate(() => log("timer 0 immediate"));
  }, 0);
  setTimeout(() => log("timer 2b"), 2);
  setImmediate((a, b) => { log("immediate " + a + b); setImmediate(() => log("immediate nested")); queueMicrotask(() => log("immediate microtask")); }, 1, 2);
  queueMicrotask(() => { log("microtask"); queueMicrotask(() => log("microtask nested")); });
  const id = setTimeout(() => log("never"), 1);
  clearTimeout(id);
  const fired = [1, 2, 3].map((n) => new Promise((resolve) => doubleStep.runWithEvents(n, (event) => {
    log("run " + n + " " + event.type + " " + event.seq);
    Promise.resolve().then(() => log("run " + n + " microtask")).then(() => log("run " + n + " second microtask"));
    if (event.type === "final") resolve(later("run " + n + " timer " + event.result, 150));
  })));
  log("body end");
  await null;
  log("body after await");
  log("async " + await doubleStep.startAsync(5));
  await Promise.all(fired);
  await later("late", 5);
  const ticks = [];
  await new Promise((resolve) => {
    const interval = setInterval(() => { log("tick"); if (ticks.push(1) === 3) { clearInterval(interval); resolve(); } }, 5);
  });
  log("end");
`;

/** What must come before what, on any machine. */
const BEFORE: [string, string][] = [
  ["body", "microtask"],
  ["body end", "body after await"],
  ["microtask", "microtask nested"],
  ["microtask nested", "immediate 12"],
  ["immediate 12", "immediate microtask"],
  ["immediate microtask", "immediate nested"],
  ["timer 0", "timer 0 microtask"],
  ["timer 1", "timer 0"],
  ["timer 0", "timer 2a"],
  ["timer 2a", "timer 2b"],
  ["timer 2b", "timer 5"],
  ["timer 5", "timer 5 microtask"],
  ["timer 5 microtask", "timer 5 immediate"],
  ["nested start", "nested start microtask"],
  ["nested start microtask", "nested final"],
  ["run 1 start 0", "run 2 start 0"],
  ["run 2 start 0", "run 3 start 0"],
  ["run 1 final 1", "run 2 final 1"],
  ["timer 5 immediate", "run 1 timer 2"],
  ["run 1 timer 2", "run 2 timer 4"],
  ["run 2 timer 4", "run 3 timer 6"],
  ["run 3 timer 6", "late"],
  ["late", "tick"],
  ["tick", "end"],
];

const loads: ChildProcess[] = [];

function load(processes: number): void {
  for (let i = 0; i < processes; i++) {
    // Ends by itself should the test be killed.
    loads.push(
      spawn(process.execPath, ["-e", "const end = Date.now() + 20_000; while (Date.now() < end);"], {
        stdio: "ignore",
      }),
    );
  }
}

async function unload(): Promise<void> {
  await Promise.all(loads.splice(0).map((child) => (child.kill("SIGKILL"), once(child, "exit"))));
}

afterEach(unload);

describe.each(ISOLATIONS)("the order of what a script prints in a %s", (isolation) => {
  it("is the same idle and while four processes load the machine", () =>
    withEngine({ isolation }, async ({ run, output }) => {
      const printed: string[][] = [];
      for (let i = 0; i < 10; i++) {
        if (i === 5) {
          load(4);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        output.out = "";
        expect(await run(MIXED)).toMatchObject({ ok: true });
        printed.push(output.lines);
      }
      await unload();
      const [first] = printed as [string[], ...string[][]];
      for (const lines of printed) expect(lines).toEqual(first);
      for (const [earlier, later] of BEFORE) {
        expect(first).toContain(earlier);
        expect([earlier, first.indexOf(earlier) < first.indexOf(later), later]).toEqual([earlier, true, later]);
      }
      expect(first).not.toContain("never");
    }));
});
