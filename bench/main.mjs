// Measures speed beside peers in the same run. Figures are medians with their spread; the ratio to the first row of each
// table says more than the figures do on another machine.
//
//   npm run bench [-- part …] [-- --quick] [-- --runs=3] [-- --json] [-- --write] [-- --check]
//
// Parts: start, imports, pool, throughput, chat, values, pipeline, memory, journal, executions,
// tests, workers; all, where none is named, and plots of how cost grows then. --runs measures so often anew, each time in a
// process of its own, and tells the medians of all runs. --write puts the tables into bench/RESULTS.md,
// in place of the same ones of before, the ratios into bench/ratios.json, and the plots into bench/plots; --check fails where a
// ratio has become worse than half of the one in bench/ratios.json.
import { cpus, loadavg, release } from "node:os";
import { benchChat } from "./chat.mjs";
import { benchExecutions } from "./executions.mjs";
import { benchImports } from "./imports.mjs";
import { benchJournal } from "./journal.mjs";
import { comparisons, printTable, repetitions } from "./measure.mjs";
import { benchMemory } from "./memory.mjs";
import { benchPipeline } from "./pipeline.mjs";
import { benchPool } from "./pool.mjs";
import { severalRuns } from "./report/several-runs.mjs";
import { readRatios, writePlots, writeTables } from "./report/write-report.mjs";
import { benchStart } from "./start.mjs";
import { benchTests } from "./tests.mjs";
import { benchThroughput } from "./throughput.mjs";
import { benchValues } from "./values.mjs";
import { benchWorkers } from "./workers.mjs";

const PARTS = {
  start: benchStart,
  imports: benchImports,
  pool: benchPool,
  throughput: benchThroughput,
  chat: benchChat,
  values: benchValues,
  pipeline: benchPipeline,
  memory: benchMemory,
  journal: benchJournal,
  executions: benchExecutions,
  tests: benchTests,
  workers: benchWorkers,
};

const given = new Set(process.argv.slice(2));
const asked = Object.keys(PARTS).filter((name) => given.has(name));
const { node, v8 } = process.versions;
const load = () => loadavg()[0].toFixed(1);
const system = `Node ${node} (V8 ${v8}), ${process.platform} ${release()}, ${cpus().length} x ${cpus()[0]?.model.trim()}`;
const loadBefore = load();
const runs = Number([...given].find((option) => option.startsWith("--runs="))?.slice("--runs=".length) ?? 1);
const medians = runs > 1 ? `${runs} runs, each with medians of ${repetitions}` : `medians of ${repetitions}`;
if (!given.has("--json")) console.log(`${system}, load ${loadBefore}, ${medians}`);
if (runs > 1) {
  for (const { title, unit, results } of severalRuns(runs, [...asked, ...(given.has("--quick") ? ["--quick"] : [])])) {
    printTable(title, unit, results);
  }
} else for (const name of asked.length === 0 ? Object.keys(PARTS) : asked) await PARTS[name]();
const machine = `${system}, load ${loadBefore} to ${load()}, ${medians}`;

const higherIsBetter = (unit) => unit.endsWith("per second");
if (given.has("--json")) console.log(JSON.stringify({ machine, comparisons }, null, 2));
if (given.has("--write")) {
  writeTables(machine);
  if (asked.length === 0) await writePlots();
}
if (given.has("--check")) {
  const before = readRatios();
  for (const { title, unit, rows } of comparisons) {
    for (const { name, ratio } of rows) {
      const known = before[title]?.[name];
      if (known === undefined) continue;
      const isWorse = higherIsBetter(unit) ? ratio < known / 2 : ratio > known * 2;
      if (!isWorse) continue;
      console.error(`${title}, ${name}: the ratio is ${ratio.toFixed(2)}, and was ${known.toFixed(2)}`);
      process.exitCode = 1;
    }
  }
}
