import type { RunState, RunSummary } from "../../index.ts";
import { describeExecution, type KnownFacts } from "../executions/describe-execution.ts";
import { executionDocument, listExecutions } from "../executions/list-executions.ts";
import { usedServer } from "../executions/open-journal.ts";
import { withRunLog } from "../commands/runs-command.ts";
import { UsageError } from "../options/usage-error.ts";
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
export async function listRuns(options: ListOptions): Promise<void> {
  const { json: _, ...which } = options;
  const { listed, failure } = await latest(which);
  if (listed.length > 0 || failure === undefined) print(listed, options);
  // One file that cannot be read hides nothing of the other.
  if (failure !== undefined) throw failure;
}

function print(listed: readonly Listed[], { json, ...which }: ListOptions): void {
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

async function latest(
  which: Omit<ListOptions, "json">,
): Promise<{ listed: Listed[]; failure: UsageError | undefined }> {
  const { limit, script, since, state } = which;
  const filter = {
    limit,
    ...(script === undefined ? {} : { script }),
    ...(since === undefined ? {} : { since }),
    ...(state === undefined ? {} : { state: state as RunState }),
  };
  const isOfExecutions = state === "queued" || state === "suspended" || state === "interrupted";
  const hasRuns = usedServer() === undefined && !isOfExecutions;
  const logged = await readable(() => (hasRuns ? withRunLog((log) => log.list(filter)) : undefined));
  const executions = await readable(() => listExecutions(which));
  const failures = [logged, executions].flatMap(({ failure }) => failure ?? []);
  if (failures.length === (hasRuns ? 2 : 1)) throw failures[0]!;
  const listed = [
    ...logged.rows.map((run) => ({ run, startedAt: run.startedAt })),
    ...executions.rows.map((execution) => ({ execution, startedAt: execution.createdAt })),
  ];
  listed.sort((a, b) => b.startedAt - a.startedAt);
  return { listed: listed.slice(0, limit), failure: failures[0] };
}

/** What is in a file; why it cannot be read. */
async function readable<T>(read: () => T[] | undefined | Promise<T[]>): Promise<{ rows: T[]; failure?: UsageError }> {
  try {
    return { rows: (await read()) ?? [] };
  } catch (error) {
    if (error instanceof UsageError) return { rows: [], failure: error };
    throw error;
  }
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
