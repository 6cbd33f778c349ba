// What an engine keeps: idle, after many runs, and with many runs at once.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { defineStep, RuntimeEngine } from "../dist/src/index.js";
import { compare, printTable, scaled, timeWithCpu } from "./measure.mjs";
import { privateMBOfChildren } from "./processes.mjs";

const silent = { stdout() {}, stderr() {} };
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");
/** What is in use: how much more V8 keeps for its young generation depends on how busy it was. */
const usedMB = () => {
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
};

export const echo = defineStep({
  name: "echo",
  kind: "text",
  async *run(count, { publish }) {
    for (let i = 0; i < count; i++) await publish({ type: "partial", delta: "delta " });
    yield count;
  },
});

async function engineWith(isolation) {
  const engine = new RuntimeEngine({
    isolation,
    console: silent,
    limits: { events: 1e9 },
    setup: [(vm) => vm.registerStep("echo", echo)],
  });
  await engine.start();
  return engine;
}

/** Megabytes that each of many takes of its process. */
async function each(what) {
  const idle = fileURLToPath(new URL("idle.mjs", import.meta.url));
  return Number(execFileSync(process.execPath, [idle, what], { encoding: "utf8" }));
}

async function idleChild() {
  const engine = await engineWith("process");
  const mb = privateMBOfChildren();
  await engine.close();
  return mb;
}

/** Memory in use after each tenth of `runs` runs in one engine, in MB. */
export async function soak(isolation, runs) {
  const engine = await engineWith(isolation);
  const points = [];
  const step = runs / 10;
  const code = `for (let i = 0; i < ${step}; i++) await echo.startAsync(1)`;
  for (let done = 0; done <= runs; done += step) {
    collectGarbage();
    points.push([done, usedMB() + (isolation === "process" ? privateMBOfChildren() : 0)]);
    if (done < runs) await engine.runScript({ code });
  }
  await engine.close();
  return points;
}

/** CPU microseconds for each event of `runs` runs at once. */
export async function eventsOf(isolation, runs, events) {
  const engine = await engineWith(isolation);
  const code = `await Promise.all(Array.from({ length: ${runs} }, () => new Promise((resolve) =>
    echo.runWithEvents(${events}, ({ type }) => { if (type === "final") resolve() }))))`;
  const { cpuMs } = await timeWithCpu(async () => {
    const { ok, error } = await engine.runScript({ code });
    if (!ok) throw new Error(error.message);
  });
  await engine.close();
  return (cpuMs * 1000) / (runs * events);
}

export async function benchMemory() {
  printTable(
    "An engine that is idle",
    "MB",
    await compare({
      "bare isolate": () => each("isolate"),
      "engine, thread": () => each("engine"),
      "the child of an engine, private": idleChild,
    }),
  );
  const runs = scaled(20_000);
  for (const isolation of ["thread", "process"]) {
    const points = await soak(isolation, runs);
    const [, half] = points[Math.floor(points.length / 2)];
    const [, end] = points.at(-1);
    printTable(`${runs} runs in one engine, ${isolation}`, "MB", {
      "after half of them": { median: half, least: half, most: half },
      "after all": { median: end, least: end, most: end },
    });
  }
  const events = scaled(50_000);
  for (const isolation of ["thread", "process"]) {
    printTable(
      `Runs at once, ${isolation}`,
      "µs CPU for each event",
      await compare({
        "1 run": () => eventsOf(isolation, 1, events),
        "100 runs": () => eventsOf(isolation, 100, events / 100),
        "1,000 runs": () => eventsOf(isolation, 1000, events / 1000),
      }),
    );
  }
}
