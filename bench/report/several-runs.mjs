// Several runs of the whole bench, each a process of its own: what differs between them is what one run cannot show.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median } from "../measure.mjs";

const MAIN = fileURLToPath(new URL("../main.mjs", import.meta.url));

/**
 * The comparisons of several runs as one: of each row the median of the runs' medians, these themselves as `runs`, and the
 * least and the most of all.
 *
 * @param {number} count how many runs
 * @param {string[]} args what else the bench was given
 */
export function severalRuns(count, args) {
  const runs = Array.from({ length: count }, (_, i) => {
    console.error(`run ${i + 1} of ${count}`);
    const { status, stdout } = spawnSync(process.execPath, [MAIN, ...args, "--json"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      maxBuffer: 64e6,
    });
    if (status !== 0) throw new Error(`run ${i + 1} of ${count} ended with exit code ${status}`);
    return JSON.parse(stdout).comparisons;
  });
  return runs[0].map(({ title, unit, rows }, table) => {
    const merged = rows.map(({ name }, row) => [name, mergeRows(runs.map((run) => run[table].rows[row]))]);
    return { title, unit, results: Object.fromEntries(merged) };
  });
}

function mergeRows(rows) {
  const medians = rows.map((row) => row.median);
  const cpu = rows.flatMap(({ cpuMicros }) => (cpuMicros === undefined ? [] : [cpuMicros]));
  return {
    median: median(medians),
    runs: medians,
    least: Math.min(...rows.map(({ least }) => least)),
    most: Math.max(...rows.map(({ most }) => most)),
    ...(cpu.length === 0 ? {} : { cpuMicros: median(cpu) }),
  };
}
