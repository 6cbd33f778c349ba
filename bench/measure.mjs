// Timing by hand: the peers of one comparison take turns, so that what slows the machine slows them all alike.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { cpuMsOfChildren } from "./processes.mjs";

const isQuick = process.argv.includes("--quick");
const isJson = process.argv.includes("--json");

/** How often each thing is measured. */
export const repetitions = isQuick ? 3 : 7;

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

export function median(numbers) {
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
 * The CPU time that `run` takes, in milliseconds, with how long it takes: of this process, and of its children that are
 * there before and after.
 */
export async function timeWithCpu(run) {
  const ofChildren = cpuMsOfChildren();
  const before = process.cpuUsage();
  const ms = await time(run);
  const { user, system } = process.cpuUsage(before);
  return { ms, cpuMs: (user + system) / 1000 + ofChildren() };
}

/**
 * What each function measures over the repetitions, after one round that does not count.
 *
 * @param {Record<string, () => Promise<number | {value: number, cpuMicros: number}>>} peers each does its work once;
 *   `cpuMicros` is the CPU time of one operation, of all processes together, in microseconds
 * @returns {Promise<Record<string, {median: number, least: number, most: number, cpuMicros?: number}>>}
 */
export async function compare(peers) {
  const results = new Map(Object.keys(peers).map((name) => [name, []]));
  for (let i = 0; i <= repetitions; i++) {
    for (const [name, measure] of Object.entries(peers)) {
      const result = await measure();
      if (i > 0) results.get(name).push(typeof result === "number" ? { value: result } : result);
    }
  }
  return Object.fromEntries(
    [...results].map(([name, rounds]) => {
      const values = rounds.map(({ value }) => value);
      const cpu = rounds.flatMap(({ cpuMicros }) => (cpuMicros === undefined ? [] : [cpuMicros]));
      return [
        name,
        {
          median: median(values),
          least: Math.min(...values),
          most: Math.max(...values),
          ...(cpu.length === 0 ? {} : { cpuMicros: median(cpu) }),
        },
      ];
    }),
  );
}

const format = (number) =>
  number >= 1000 ? Math.round(number).toLocaleString("en-US") : number.toFixed(number >= 100 ? 0 : 1);

/** Every comparison so far: title, unit, and for each peer what was measured and the ratio of its median to the first's. */
export const comparisons = [];

/** Keeps a comparison, and prints its medians, each with its spread, its CPU time and its ratio to the first. */
export function printTable(title, unit, results) {
  const [[, reference]] = Object.entries(results);
  const rows = Object.entries(results).map(([name, measured]) => ({
    name,
    ...measured,
    ratio: measured.median / reference.median,
  }));
  comparisons.push({ title, unit, rows });
  if (isJson) return;
  console.log(`\n${title} (${unit})`);
  for (const { name, median: middle, least, most, cpuMicros, ratio } of rows) {
    const spread = `${format(least)} – ${format(most)}`;
    const cpu = cpuMicros === undefined ? "" : `   ${cpuMicros.toFixed(1)} µs CPU`;
    console.log(
      `  ${name.padEnd(44)} ${format(middle).padStart(12)}   (${spread})`.padEnd(88) + `x ${ratio.toFixed(2)}${cpu}`,
    );
  }
}

/** The comparisons as tables of Markdown, each with its heading. */
export function toMarkdown() {
  return comparisons.map(({ title, unit, rows }) => {
    const hasRuns = rows.some(({ runs }) => runs !== undefined);
    const lines = rows.map(({ name, median: middle, runs, least, most, cpuMicros, ratio }) => {
      const cpu = cpuMicros === undefined ? "" : cpuMicros.toFixed(1);
      const ofRuns = hasRuns ? ` ${runs.map(format).join(" · ")} |` : "";
      return `| ${name} | ${format(middle)} |${ofRuns} ${format(least)} – ${format(most)} | ${ratio.toFixed(2)} | ${cpu} |`;
    });
    const [runsHead, runsLine] = hasRuns ? [" each run |", " ---: |"] : ["", ""];
    const head = `| | median |${runsHead} spread | ratio | CPU, µs |\n| --- | ---: |${runsLine} ---: | ---: | ---: |`;
    return [`## ${title} (${unit})`, `${head}\n${lines.join("\n")}`];
  });
}
