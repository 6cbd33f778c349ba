import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionDetails, Journal } from "../../index.ts";
import { printedText } from "../../replay.ts";
import { printLines } from "../output/print-table.ts";
import { Terminal } from "../output/terminal.ts";
import { toJson } from "../output/to-json.ts";
import { cutText } from "../runs/cut-text.ts";
import { describeStart, formatTime } from "../runs/describe-run.ts";
import { factLines, type Fact } from "../runs/fact-lines.ts";
import { readDetails } from "../session/run-start.ts";
import { describeExecution, describeWait, executionState, howToAnswer } from "./describe-execution.ts";
import { executionDocument } from "./list-executions.ts";
import { usedServer, withJournal } from "./open-journal.ts";
import type { QueuedFacts } from "./queued.ts";

/** Most characters of output that are shown, the last ones. */
const MAX_OUTPUT = 100_000;
/** How often somebody looks whether an execution has begun, in milliseconds. */
const LOOK_MS = 100;

/** What has been printed so far, and how many records of each kind there are. */
interface ExecutionWork {
  output: { stream: "stdout" | "stderr"; text: string }[];
  counts: Map<string, number>;
}

/** `geppetto-js runs show ID` of an execution that lasts. */
export async function showExecution(
  journal: Journal,
  execution: ExecutionDetails,
  { json, follow, isFull }: { json?: true | undefined; follow?: boolean | undefined; isFull: boolean },
): Promise<void> {
  if (follow) await followExecution(journal, execution, json === undefined, isFull);
  const now = (await journal.get(execution.id)) ?? execution;
  if (json) {
    const { output, counts } = await readWork(journal, now.id);
    printLines([toJson({ ...executionDocument(now), output, records: Object.fromEntries(counts) })]);
    return;
  }
  if (follow) return print(describeEnd(now));
  const { output, counts } = await readWork(journal, now.id);
  print([
    ...describeBeginning(now, isFull),
    ...describeEnd(now),
    ["journal", [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ")],
    ...output.map(({ stream, text }): Fact => [stream, cutText(text.replace(/\n$/, ""), isFull)]),
  ]);
}

/** `geppetto-js runs show ID` of one that no worker has begun; to follow it is to wait for one. */
export async function showQueued(
  { id, script, tenant, pool, createdAt, ...queued }: QueuedFacts,
  { json, follow, isFull }: { json?: true | undefined; follow?: boolean | undefined; isFull: boolean },
): Promise<void> {
  if (!json) {
    print([
      ["execution", id],
      ["tenant", tenant],
      ["pool", pool],
      ["script", script],
      ["submitted", formatTime(createdAt)],
      ["state", `${queued.state}: no worker has begun it`],
    ]);
  } else if (!follow) printLines([toJson(executionDocument({ id, script, tenant, pool, createdAt, ...queued }))]);
  if (!follow) return;
  await withJournal(async (journal) => {
    let begun: ExecutionDetails | undefined;
    while ((begun = await journal.get(id)) === undefined) await sleep(LOOK_MS);
    await showExecution(journal, begun, { json, follow, isFull });
  });
}

function print(facts: readonly Fact[]): void {
  printLines(factLines(facts));
}

/** Shows what it prints as it does it, until it ends. */
async function followExecution(
  journal: Journal,
  execution: ExecutionDetails,
  isShown: boolean,
  isFull: boolean,
): Promise<void> {
  const terminal = new Terminal(process.stdout, process.stderr, process.env);
  const stop = new AbortController();
  // Nobody reads any more.
  terminal.onBroken = () => stop.abort();
  const show = (facts: readonly Fact[]): void => {
    if (isShown) for (const line of factLines(facts)) terminal.write("stdout", `${line}\n`);
  };
  show(describeBeginning(execution, isFull));
  try {
    for await (const record of journal.follow(execution.id, { signal: stop.signal })) {
      const printed = printedText(record);
      if (printed !== undefined) show([[printed.stream, cutText(printed.text.replace(/\n$/, ""), isFull)]]);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
}

async function readWork(journal: Journal, id: string): Promise<ExecutionWork> {
  const output: ExecutionWork["output"] = [];
  const counts = new Map<string, number>();
  let chars = 0;
  for await (const record of journal.records(id)) {
    counts.set(record.kind, (counts.get(record.kind) ?? 0) + 1);
    const printed = printedText(record);
    if (printed === undefined) continue;
    const last = output.at(-1);
    chars += printed.text.length;
    if (last?.stream === printed.stream) last.text += printed.text;
    else output.push(printed);
    while (chars > MAX_OUTPUT && output.length > 1) chars -= output.shift()!.text.length;
  }
  return { output, counts };
}

function describeBeginning(execution: ExecutionDetails, isFull: boolean): Fact[] {
  const { id, script, createdAt, tenant } = execution;
  const { details } = readDetails(execution.details);
  const start = { id, script, startedAt: createdAt, details };
  const [, ...facts] = describeStart(start, isFull);
  return [["execution", id], ["tenant", tenant], ...facts];
}

function describeEnd(execution: ExecutionDetails): Fact[] {
  const { id, attempt, updatedAt, waitsFor, state, holder, exitCode, error, isAnswered, isDamaged } = execution;
  const waits = state === "suspended" || state === "running" ? waitsFor : [];
  const isOnServer = usedServer() !== undefined;
  const goOn = isOnServer ? "a worker goes on with it" : `go on with: geppetto-js runs resume ${id}`;
  return [
    ["state", state === "suspended" ? executionState(execution) : describeExecution(execution)],
    ["attempt", String(attempt)],
    ["changed", formatTime(updatedAt)],
    ["runs on", holder && `${holder.host}, process ${holder.pid}`],
    ...waits.flatMap((wait): Fact[] => [
      ["waits for", describeWait(wait)],
      ["  data", wait.data === undefined ? undefined : toJson(wait.data)],
      ["  type", howToAnswer(id, wait, isOnServer)],
    ]),
    ["answered", isAnswered && state === "suspended" ? goOn : undefined],
    ["exit code", exitCode === undefined ? undefined : String(exitCode)],
    ["error", error],
    ["damaged", isDamaged && "a part of this execution in the journal cannot be read"],
  ];
}
