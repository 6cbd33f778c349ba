import type { ExecutionFacts, Waiting } from "../../index.ts";
import type { QueuedFacts } from "./queued.ts";
import { onOneLine } from "../output/print-table.ts";
import { formatTime } from "../runs/describe-run.ts";

/** Of one that a journal has, or that waits in a queue. */
export type KnownFacts = ExecutionFacts | QueuedFacts;

/** Characters of a question that are shown in a line. */
const MAX_QUESTION = 200;

/** What it waits for, in a line: `an answer to question 1: Pay?`. */
export function describeWait({ kind, number, name = "", question = "", dueAt }: Waiting): string {
  const until = dueAt === undefined ? "" : `, until ${formatTime(dueAt)}`;
  switch (kind) {
    case "sleep":
      return dueAt === undefined ? "a time" : `its time, ${formatTime(dueAt)}`;
    case "receive":
      return `a message ${JSON.stringify(name)}${until}`;
    case "approve":
      return `an answer to question ${number}${until}: ${cut(question)}`;
    case "ambiguous":
      return `word of what became of call ${number}: ${cut(question || name)}`;
  }
}

/**
 * What to type for it; undefined where there is nothing to do but wait.
 *
 * @param isOnServer the execution is on a NATS server, whose address may hold a password and is not shown
 */
export function howToAnswer(id: string, wait: Waiting, isOnServer: boolean): string | undefined {
  const { kind, number, name = "" } = wait;
  const server = isOnServer ? " --nats URL" : "";
  switch (kind) {
    case "sleep":
      return undefined;
    case "receive":
      return `geppetto-js runs send ${id} ${quoted(name)} --data JSON${server}`;
    case "approve":
      return `geppetto-js runs approve ${id} --question ${number}${server}`;
    case "ambiguous":
      return `geppetto-js runs resolve ${id} --question ${number}${server} --retry | --value JSON | --error TEXT`;
  }
}

/** What an execution that is suspended says on stderr; one on a server is gone on with by a worker. */
export function suspendedLines(id: string, waitsFor: readonly Waiting[], isOnServer = false): string[] {
  const lines = waitsFor.map((wait) => {
    const how = howToAnswer(id, wait, isOnServer);
    return `  ${describeWait(wait)}${how === undefined ? "" : `\n    ${how}`}`;
  });
  const next = isOnServer ? [] : [`go on with: geppetto-js runs resume ${id}`];
  return [`suspended: the execution ${id} waits for`, ...lines, ...next];
}

/** "queued", "suspended", "interrupted", "running": what has become of it. */
export function executionState({ state, holder }: KnownFacts): string {
  return state === "running" && holder === undefined ? "interrupted" : state;
}

/** The same, with what it waits for. */
export function describeExecution(facts: KnownFacts): string {
  const { state, waitsFor, isAnswered, exitCode, isDamaged } = facts;
  const name = executionState(facts);
  if (isDamaged) return `${name} (damaged)`;
  if (state === "failed" && exitCode !== undefined) return `failed (exit ${exitCode})`;
  if (state !== "suspended") return name;
  if (isAnswered) return "suspended (answered)";
  const [first] = waitsFor;
  const more = waitsFor.length > 1 ? ` and ${waitsFor.length - 1} more` : "";
  return first === undefined ? name : `suspended (${describeWait(first)}${more})`;
}

/** An id is harmless; a name is whatever a script says. */
function quoted(name: string): string {
  return /^[\w.:-]+$/.test(name) ? name : `'${onOneLine(name).replaceAll("'", "'\\''")}'`;
}

function cut(text: string): string {
  const line = onOneLine(text);
  return line.length > MAX_QUESTION ? `${line.slice(0, MAX_QUESTION)}…` : line;
}
