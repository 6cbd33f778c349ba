import { formatCost, formatCount } from "../options/quantities.ts";
import type { RunMonitor } from "./run-monitor.ts";
import { StatusLine } from "../output/status-line.ts";
import { defuse, type Terminal } from "../output/terminal.ts";

/** Shows on stderr what runs and what it has used so far; undefined where stderr is not a terminal. */
export function startStatus(terminal: Terminal, monitor: RunMonitor): StatusLine | undefined {
  const { CI, TERM } = process.env;
  if (!process.stderr.isTTY || CI || TERM === "dumb") return undefined;
  const startedAt = performance.now();
  const status = new StatusLine(process.stderr, {
    isFree: () => terminal.atLineStart,
    describe: () => {
      const { calls, inputTokens, outputTokens, cost } = monitor.usage;
      const seconds = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
      // Scripts name their steps.
      const runs = defuse(monitor.describeActive()).replace(/\s+/g, " ");
      const used = [formatCount(calls, "call"), formatCount(inputTokens + outputTokens, "token")];
      if (cost !== undefined) used.push(formatCost(cost));
      return [runs === "" ? "running" : runs, ...used, seconds].join(" · ");
    },
  });
  terminal.onWrite = () => status.erase();
  return status;
}
