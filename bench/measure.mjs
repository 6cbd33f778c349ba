// Timing by hand: the peers of one comparison take turns, so that what slows the machine slows them all alike.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

const isQuick = process.argv.includes("--quick");

/** How often each thing is measured. */
export const repetitions = isQuick ? 3 : 11;

/** A number of operations, fewer when it has to be quick. */
export const scaled = (count) => (isQuick ? Math.ceil(count / 5) : count);

const folder = mkdtempSync(join(tmpdir(), "geppetto-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true }));

/** A script on the disk, there until the bench ends. */
export function scriptFile(name, code) {
  const file = join(folder, name);
  writeFileSync(file, code);
  return file;
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Milliseconds that `run` takes. */
export async function time(run) {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}

/**
 * The median of each function's results over the repetitions, after one round that does not count.
 *
 * @param {Record<string, () => Promise<number>>} peers each does its work once and gives what was measured
 * @returns {Promise<Record<string, number>>}
 */
export async function compare(peers) {
  const results = Object.fromEntries(Object.keys(peers).map((name) => [name, []]));
  for (let i = 0; i <= repetitions; i++) {
    for (const [name, measure] of Object.entries(peers)) {
      const result = await measure();
      if (i > 0) results[name].push(result);
    }
  }
  return Object.fromEntries(Object.entries(results).map(([name, numbers]) => [name, median(numbers)]));
}

const format = (number) =>
  number >= 1000 ? Math.round(number).toLocaleString("en-US") : number.toFixed(number >= 100 ? 0 : 1);

/** Prints medians, each beside its ratio to the first. */
export function printTable(title, unit, medians) {
  const [[, reference]] = Object.entries(medians);
  console.log(`\n${title} (${unit})`);
  for (const [name, number] of Object.entries(medians)) {
    console.log(`  ${name.padEnd(44)} ${format(number).padStart(12)}   x ${(number / reference).toFixed(2)}`);
  }
}
