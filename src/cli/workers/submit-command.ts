import { readRegularFile, reasonOf } from "../../files.ts";
import { submit, type SubmittedExecution } from "../../workers/index.ts";
import { suspendedLines } from "../executions/describe-execution.ts";
import { toUsageError } from "../executions/open-journal.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printLines, printNotes } from "../output/print-table.ts";
import { Terminal } from "../output/terminal.ts";
import { toJson } from "../output/to-json.ts";
import { fileScript } from "../runs/file-script.ts";
import { tellOutcome } from "../session/report-outcome.ts";
import type { SessionScript } from "../session/session-script.ts";
import { readStdin } from "../session/read-stdin.ts";
import { natsAccess, type NatsOptions } from "./nats-access.ts";

export interface SubmitCommandOptions extends NatsOptions {
  tenant?: string;
  pool?: string;
  id?: string;
  env?: Record<string, string>;
  input?: string;
  follow?: true;
  json?: true;
  quiet?: true;
}

const MAX_INPUT_BYTES = 500_000;

/** `geppetto-js submit <script> [args…]` */
export async function submitCommand(
  script: string,
  args: readonly string[],
  options: SubmitCommandOptions,
): Promise<void> {
  const { tenant, pool, id, env = {}, follow, json, quiet } = options;
  const nats = natsAccess(options, process.env);
  const read = await fileScript(script, args);
  const { source: code, label: name, folder } = read;
  const input = await readInput(options.input);
  const given = { code, name, ...(folder === undefined ? {} : { folder }) };
  try {
    await using execution = await submit(given, {
      nats,
      args: args,
      env,
      // A script that came on stdin lies nowhere.
      ...(folder === undefined ? { import: [] } : {}),
      ...(input === undefined ? {} : { input }),
      ...(tenant === undefined ? {} : { tenant }),
      ...(pool === undefined ? {} : { pool }),
      ...(id === undefined ? {} : { id }),
      onQueue: ({ workers, waiting }) => {
        const queued = waiting === 1 ? "1 job waits" : `${waiting} jobs wait`;
        if (workers === 0 && !quiet) printNotes([`no worker of the pool ${pool ?? "default"} is there: ${queued}`]);
      },
    });
    const { workers, waiting } = execution;
    if (follow) return await followSubmitted(execution, read, { isDocument: json === true, isQuiet: quiet === true });
    printLines([json ? toJson({ id: execution.id, isNew: execution.isNew, workers, waiting }) : execution.id]);
  } catch (error) {
    throw toUsageError(error);
  }
}

/** Prints what it prints and comes to, or each item as a line of JSON, and ends with its exit code. */
async function followSubmitted(
  execution: SubmittedExecution,
  script: SessionScript,
  { isDocument, isQuiet }: { isDocument: boolean; isQuiet: boolean },
): Promise<void> {
  const { id } = execution;
  const terminal = new Terminal(process.stdout, process.stderr, process.env);
  const stop = new AbortController();
  // Nobody reads any more.
  terminal.onBroken = () => stop.abort();
  if (!isQuiet) printNotes([`execution ${id}`]);
  try {
    for await (const item of execution.follow({ signal: stop.signal })) {
      if (isDocument) terminal.write("stdout", `${toJson(item)}\n`);
      else if (item.type === "output") terminal.write(item.stream, item.text);
      else if (item.type === "suspended" && !isQuiet) printNotes(suspendedLines(id, item.waitsFor, true));
      else if (item.type === "end") tellOutcome(item.outcome, script, terminal);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  process.exitCode = (await execution.facts())?.exitCode ?? EXIT.ok;
}

async function readInput(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  if (file === "-") return readStdin("the input", MAX_INPUT_BYTES);
  let text: string | undefined;
  try {
    text = readRegularFile(file, { maxBytes: MAX_INPUT_BYTES });
  } catch (error) {
    throw new UsageError(`Cannot read the input ${file}: ${reasonOf(error)}`, EXIT.noFile);
  }
  if (text === undefined) throw new UsageError(`Cannot read the input ${file}: there is no such file`, EXIT.noFile);
  return text;
}
