import { type RunRecord, withBoundedCompletions } from "../../index.ts";
import { usedServer, withNamedExecution } from "../executions/open-journal.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { findQueued } from "../executions/queued.ts";
import { showExecution, showQueued } from "../executions/show-execution.ts";
import { findRun, followInLog } from "../commands/runs-command.ts";
import { printLines } from "../output/print-table.ts";
import { Terminal } from "../output/terminal.ts";
import { toJson } from "../output/to-json.ts";
import { describeCall } from "./describe-call.ts";
import { describeEnd, describeOutput, describeStart, describeWork } from "./describe-run.ts";
import { factLines, type Fact } from "./fact-lines.ts";

export interface ShowOptions {
  json?: true | undefined;
  follow?: boolean | undefined;
  /** Shows long texts whole. */
  full?: boolean;
}

/** `geppetto-js runs show <run>` */
export async function showRun(id: string, { json, follow, full: isFull = false }: ShowOptions): Promise<void> {
  const isExecution = await withNamedExecution(id, (journal, execution) =>
    showExecution(journal, execution, { json, follow, isFull }),
  );
  if (isExecution !== undefined) return;
  const queued = await findQueued(id);
  if (queued !== undefined) return showQueued(queued, { json, follow, isFull });
  if (usedServer() !== undefined)
    throw new UsageError(`Cannot find the execution: there is none ${JSON.stringify(id)} on the server`, EXIT.noFile);
  const run = findRun(id);
  if (json) {
    printLines([toJson(withBoundedCompletions(follow ? await ended(run.id) : run))]);
  } else if (follow) await followRun(run.id, isFull);
  else
    printLines(factLines([...describeStart(run, isFull), ...describeEnd(run, isFull), ...describeWork(run, isFull)]));
}

/** The run when it has ended. */
async function ended(id: string): Promise<RunRecord> {
  for await (const _ of followInLog(id)) {
    // What it does is part of the record.
  }
  return findRun(id);
}

/** Shows what a run does as it does it, and how it ended. */
async function followRun(id: string, isFull: boolean): Promise<void> {
  const terminal = new Terminal(process.stdout, process.stderr, process.env);
  const stop = new AbortController();
  // Nobody reads any more.
  terminal.onBroken = () => stop.abort();
  const show = (facts: readonly Fact[]): void => {
    for (const line of factLines(facts)) terminal.write("stdout", `${line}\n`);
  };
  show(describeStart(findRun(id), isFull));
  let calls = 0;
  for await (const item of followInLog(id, stop.signal)) {
    show(item.type === "call" ? describeCall(item.call, ++calls, isFull) : [describeOutput(item, isFull)]);
  }
  show(describeEnd(findRun(id), isFull));
}
