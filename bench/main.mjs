// Measures speed beside peers in the same run. Figures are medians with their spread; the ratio to the first row of each
// table says more than the figures do on another machine.
//
//   npm run bench [-- --quick] [-- --json] [-- --write] [-- --check]
//
// --write puts the tables into bench/RESULTS.md and the ratios into bench/ratios.json; --check fails where a ratio has
// become worse than half of the one in bench/ratios.json.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { benchImports } from "./imports.mjs";
import { benchJournal } from "./journal.mjs";
import { comparisons, repetitions, toMarkdown } from "./measure.mjs";
import { benchPipeline } from "./pipeline.mjs";
import { benchStart } from "./start.mjs";
import { benchThroughput } from "./throughput.mjs";

const given = new Set(process.argv.slice(2));
const ratiosFile = fileURLToPath(new URL("ratios.json", import.meta.url));
const load = loadavg()[0].toFixed(1);
const machine = `Node ${process.versions.node}, ${cpus().length} x ${cpus()[0]?.model.trim()}, load ${load}, medians of ${repetitions}`;
if (!given.has("--json")) console.log(machine);
await benchStart();
await benchImports();
await benchThroughput();
await benchPipeline();
await benchJournal();

const higherIsBetter = (unit) => unit.endsWith("per second");
const ratios = Object.fromEntries(
  comparisons.map(({ title, rows }) => [title, Object.fromEntries(rows.map(({ name, ratio }) => [name, ratio]))]),
);
if (given.has("--json")) console.log(JSON.stringify({ machine, comparisons }, null, 2));
if (given.has("--write")) {
  const date = new Date().toISOString().slice(0, 10);
  const head = `# Results\n\nWritten by \`npm run bench -- --write\` on ${date}: ${machine}.\nEach ratio is to the first row of its table, in the same run.\n`;
  writeFileSync(fileURLToPath(new URL("RESULTS.md", import.meta.url)), `${head}\n${toMarkdown()}`);
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
