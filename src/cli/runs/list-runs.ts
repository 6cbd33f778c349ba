import type { RunState, RunSummary } from "../../index.ts";
import { withRunLog } from "../commands/runs-command.ts";
import { formatCost } from "../options/quantities.ts";
import { fitWidth } from "../output/display-width.ts";
import { onOneLine, printLines, printTable } from "../output/print-table.ts";
import { toJson } from "../output/to-json.ts";
import { describeDuration, describeState, formatTime } from "./describe-run.ts";

export interface ListOptions {
  limit: number;
  script?: string;
  state?: RunState;
  /** Milliseconds since the epoch. */
  since?: number;
  json?: true;
}

/** Characters of a run's id that are shown, and columns of a script's name. */
const SHORT_ID = 8;
const MAX_NAME = 40;
const HEADER = ["ID", "WHEN", "SCRIPT", "STATE", "DURATION", "CALLS", "TOKENS", "COST"];
const NUMBERS = [4, 5, 6, 7];

/** `geppetto-js runs list` */
export function listRuns({ json, ...which }: ListOptions): void {
  const runs = withRunLog((log) => log.list(which)) ?? [];
  if (json) {
    printLines(runs.map((run) => toJson(run)));
    return;
  }
  const { script, state, since } = which;
  const isFiltered = [script, state, since].some((filter) => filter !== undefined);
  if (runs.length > 0) printTable([HEADER, ...runs.map(toRow)], { right: NUMBERS });
  else process.stderr.write(isFiltered ? "no such runs are in the log\n" : "no runs are in the log\n");
}

function toRow(run: RunSummary): string[] {
  const { calls, inputTokens, outputTokens, cost } = run.usage;
  return [
    run.id.slice(0, SHORT_ID),
    formatTime(run.startedAt),
    fitWidth(onOneLine(run.script), MAX_NAME),
    describeState(run),
    describeDuration(run) ?? "-",
    String(calls),
    String(inputTokens + outputTokens),
    cost === undefined ? "-" : formatCost(cost),
  ];
}
