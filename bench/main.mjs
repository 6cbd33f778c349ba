// Measures speed beside peers in the same run. Figures are medians with their spread; the ratio to the first row of each
// table says more than the figures do on another machine.
//
//   npm run bench [-- part …] [-- --quick] [-- --json] [-- --write] [-- --check]
//
// Parts: start, imports, pool, throughput, chat, values, pipeline, memory, journal, tests; all, where none is named. --write
// puts the tables into bench/RESULTS.md, plots of how cost grows into bench/plots and the ratios into bench/ratios.json; --check
// fails where a ratio has become worse than half of the one in bench/ratios.json.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { fileURLToPath } from "node:url";
import { benchChat } from "./chat.mjs";
import { benchImports } from "./imports.mjs";
import { benchJournal } from "./journal.mjs";
import { comparisons, repetitions, toMarkdown } from "./measure.mjs";
import { benchMemory } from "./memory.mjs";
import { benchPipeline } from "./pipeline.mjs";
import { benchPool } from "./pool.mjs";
import { benchStart } from "./start.mjs";
import { benchTests } from "./tests.mjs";
import { benchThroughput } from "./throughput.mjs";
import { benchValues } from "./values.mjs";

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
  tests: benchTests,
};

const given = new Set(process.argv.slice(2));
const asked = Object.keys(PARTS).filter((name) => given.has(name));
const ratiosFile = fileURLToPath(new URL("ratios.json", import.meta.url));
const { node, v8 } = process.versions;
const load = () => loadavg()[0].toFixed(1);
const system = `Node ${node} (V8 ${v8}), ${process.platform} ${release()}, ${cpus().length} x ${cpus()[0]?.model.trim()}`;
const loadBefore = load();
if (!given.has("--json")) console.log(`${system}, load ${loadBefore}, medians of ${repetitions}`);
for (const name of asked.length === 0 ? Object.keys(PARTS) : asked) await PARTS[name]();
const machine = `${system}, load ${loadBefore} to ${load()}, medians of ${repetitions}`;

const higherIsBetter = (unit) => unit.endsWith("per second");
const ratios = Object.fromEntries(
  comparisons.map(({ title, rows }) => [title, Object.fromEntries(rows.map(({ name, ratio }) => [name, ratio]))]),
);
if (given.has("--json")) console.log(JSON.stringify({ machine, comparisons }, null, 2));
if (given.has("--write")) {
  const date = new Date().toISOString().slice(0, 10);
  const head = `# Results\n\nWritten by \`npm run bench -- --write\` on ${date}: ${machine}.\nEach ratio is to the first row of its table, in the same run.\n`;
  const { measureGrowth } = await import("./growth.mjs");
  const { toSvg } = await import("./plots.mjs");
  const plots = await measureGrowth();
  mkdirSync(new URL("plots", import.meta.url), { recursive: true });
  for (const [name, plot] of Object.entries(plots))
    writeFileSync(new URL(`plots/${name}.svg`, import.meta.url), toSvg(plot));
  const pictures = Object.entries(plots).map(([name, { title }]) => `![${title}](plots/${name}.svg)`);
  const growth = `## How cost grows\n\n${pictures.join("\n\n")}\n`;
  writeFileSync(fileURLToPath(new URL("RESULTS.md", import.meta.url)), `${head}\n${toMarkdown()}\n${growth}`);
  writeFileSync(ratiosFile, `${JSON.stringify(ratios, null, 2)}\n`);
}
if (given.has("--check")) {
  const before = JSON.parse(readFileSync(ratiosFile, "utf8"));
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
