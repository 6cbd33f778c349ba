import type { RunState, RunSummary } from "../../index.ts";
import { describeExecution, type KnownFacts } from "../executions/describe-execution.ts";
import { executionDocument, listExecutions } from "../executions/list-executions.ts";
import { usedServer } from "../executions/open-journal.ts";
import { withRunLog } from "../commands/runs-command.ts";
import { formatCost } from "../options/quantities.ts";
import { fitWidth } from "../output/display-width.ts";
import { onOneLine, printLines, printTable } from "../output/print-table.ts";
import { toJson } from "../output/to-json.ts";
import { describeDuration, describeState, formatTime } from "./describe-run.ts";

/** Of runs, and what executions that last have beside them. */
export type ListedState = RunState | "queued" | "suspended" | "interrupted";

export interface ListOptions {
  limit: number;
  script?: string;
  state?: ListedState;
  /** Milliseconds since the epoch. */
  since?: number;
  json?: true;
}

/** Characters of a run's id that are shown, and columns of a script's name. */
const SHORT_ID = 8;
const MAX_NAME = 40;
/** Columns of what an execution waits for. */
const MAX_STATE = 80;
const HEADER = ["ID", "WHEN", "SCRIPT", "STATE", "DURATION", "CALLS", "TOKENS", "COST"];
const NUMBERS = [4, 5, 6, 7];

/** A run in the log, or an execution in the journal. */
type Listed = { startedAt: number } & ({ run: RunSummary } | { execution: KnownFacts });

/** `geppetto-js runs list` */
export async function listRuns({ json, ...which }: ListOptions): Promise<void> {
  const listed = await latest(which);
  if (json) {
    printLines(listed.map((one) => toJson("run" in one ? one.run : executionDocument(one.execution))));
    return;
  }
  const { script, state, since } = which;
  const isFiltered = [script, state, since].some((filter) => filter !== undefined);
  const rows = listed.map((one) => ("run" in one ? toRow(one.run) : toExecutionRow(one.execution)));
  if (rows.length > 0) printTable([HEADER, ...rows], { right: NUMBERS });
  else process.stderr.write(isFiltered ? "no such runs are in the log\n" : "no runs are in the log\n");
}

async function latest(which: Omit<ListOptions, "json">): Promise<Listed[]> {
  const { limit, script, since, state } = which;
  const filter = {
    limit,
    ...(script === undefined ? {} : { script }),
    ...(since === undefined ? {} : { since }),
    ...(state === undefined ? {} : { state: state as RunState }),
  };
  const runs = (): RunSummary[] | undefined => withRunLog((log) => log.list(filter));
  const isOfExecutions = state === "queued" || state === "suspended" || state === "interrupted";
  const logged = usedServer() !== undefined || isOfExecutions ? [] : (runs() ?? []);
  const executions = await listExecutions(which);
  return [
    ...logged.map((run) => ({ run, startedAt: run.startedAt })),
    ...executions.map((execution) => ({ execution, startedAt: execution.createdAt })),
  ]
    .sort((a, b) => b.startedAt - a.startedAt)
    .slice(0, which.limit);
}

function toExecutionRow(facts: KnownFacts): string[] {
  const { id, createdAt, script } = facts;
  const name = fitWidth(onOneLine(script), MAX_NAME);
  return [
    id,
    formatTime(createdAt),
    name,
    fitWidth(onOneLine(describeExecution(facts)), MAX_STATE),
    "-",
    "-",
    "-",
    "-",
  ];
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
