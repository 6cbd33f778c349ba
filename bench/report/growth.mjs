// How cost grows: with the number of events, of runs at once, of modules, and of runs in one engine.
import { RuntimeEngine } from "../../dist/src/index.js";
import { timeImports } from "../imports.mjs";
import { scaled, timeWithCpu } from "../measure.mjs";
import { echo, eventsOf, soak } from "../memory.mjs";

const ISOLATIONS = ["thread", "process"];
const silent = { stdout() {}, stderr() {} };

async function runsOf(isolation, runs) {
  const engine = new RuntimeEngine({ isolation, console: silent, setup: [(vm) => vm.registerStep("echo", echo)] });
  await engine.start();
  const { cpuMs } = await timeWithCpu(async () => {
    const { ok, error } = await engine.runScript({
      code: `for (let i = 0; i < ${runs}; i++) await echo.startAsync(0)`,
    });
    if (!ok) throw new Error(error.message);
  });
  await engine.close();
  return (cpuMs * 1000) / runs;
}

async function lines(sizes, measure, names = ISOLATIONS) {
  const series = {};
  for (const name of names) {
    series[name] = [];
    for (const size of sizes) series[name].push([size, await measure(name, size)]);
  }
  return series;
}

/** Plots by the name of their file. */
export async function measureGrowth() {
  const sizes = [100, 1_000, 10_000, scaled(100_000)]
    .filter((size, i, all) => all.indexOf(size) === i)
    .toSorted((a, b) => a - b);
  return {
    events: {
      title: "CPU of an event, by their number in one run",
      x: "events",
      y: "µs",
      series: await lines(sizes, (isolation, size) => eventsOf(isolation, 1, size)),
    },
    "runs-at-once": {
      title: "CPU of an event, by runs at once",
      x: "runs at once",
      y: "µs",
      series: await lines([1, 10, 100, 1_000], (isolation, runs) =>
        eventsOf(isolation, runs, Math.ceil(scaled(20_000) / runs)),
      ),
    },
    runs: {
      title: "CPU of a run, by their number in one script",
      x: "runs, one after the other",
      y: "µs",
      series: await lines([100, 1_000, scaled(10_000)], runsOf),
    },
    modules: {
      title: "A script's modules put together",
      x: "modules",
      y: "ms",
      series: await lines([10, 100, scaled(600)], timeImports, ["esbuild", "first", "again"]),
    },
    memory: {
      title: "Memory of an engine, over its runs",
      x: "runs",
      y: "MB",
      isLinear: true,
      series: Object.fromEntries(
        await Promise.all(ISOLATIONS.map(async (isolation) => [isolation, await soak(isolation, scaled(20_000))])),
      ),
    },
  };
}
