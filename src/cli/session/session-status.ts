import { formatCost, formatCount } from "../options/quantities.ts";
import type { RunMonitor } from "./run-monitor.ts";
import { StatusLine } from "../output/status-line.ts";
import { defuse, type Terminal } from "../output/terminal.ts";

/** "2 running · 5 done · 340 tokens · $0.01 · 2.3 s · 2 × chat (demo)": what runs now, and what it has used so far. */
export function describeStatus(
  monitor: Pick<RunMonitor, "active" | "describeActive" | "measures">,
  ms: number,
): string {
  const { usage, ended } = monitor.measures;
  const { inputTokens, outputTokens, cost } = usage;
  const facts = [`${monitor.active} running`, `${ended} done`, formatCount(inputTokens + outputTokens, "token")];
  if (cost !== undefined) facts.push(formatCost(cost));
  facts.push(`${(ms / 1000).toFixed(1)} s`);
  // Scripts name their steps. They come last: the end is what is cut where the terminal is narrow.
  const runs = defuse(monitor.describeActive()).replace(/\s+/g, " ");
  if (runs !== "") facts.push(runs);
  return facts.join(" · ");
}

/** Shows on stderr what runs and what it has used so far; undefined where stderr is not a terminal. */
export function startStatus(terminal: Terminal, monitor: RunMonitor): StatusLine | undefined {
  const { CI, TERM } = process.env;
  if (!process.stderr.isTTY || CI || TERM === "dumb") return undefined;
  const startedAt = performance.now();
  const status = new StatusLine(process.stderr, {
    isFree: () => terminal.atLineStart,
    describe: () => describeStatus(monitor, performance.now() - startedAt),
  });
  terminal.onWrite = () => status.erase();
  return status;
}
