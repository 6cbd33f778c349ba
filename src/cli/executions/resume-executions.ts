import type { ExecutionFacts, Journal } from "../../index.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { errorLine, UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printNotes } from "../output/print-table.ts";
import { describeExecution } from "./describe-execution.ts";
import { resumeExecution } from "./lasting-run.ts";
import type { NatsAccess } from "../../workers/index.ts";
import { toUsageError, usedServer, withExecution, withKnownJournal } from "./open-journal.ts";

export type ResumeOptions = Pick<ScriptOptions, "json" | "events" | "stats" | "quiet" | "verbose"> & {
  due?: true;
  all?: true;
  acceptSource?: true;
};

/** Exit codes after which no further execution is resumed: somebody wants it to end. */
const SIGNALS: readonly number[] = [EXIT.interrupted, EXIT.terminated, EXIT.hangup];

/** `geppetto-js runs resume ID|--due|--all` */
export async function resumeExecutions(
  id: string | undefined,
  { due, all, acceptSource, ...given }: ResumeOptions,
): Promise<void> {
  const named = [id, due, all].filter((one) => one !== undefined);
  const server = usedServer();
  if (server !== undefined) return resumeByWorker(id, server);
  if (named.length !== 1) throw new UsageError("Cannot resume: say one of an execution's id, --due and --all");
  if (id !== undefined) {
    await withExecution(id, (journal, execution) => resumeExecution(journal, execution, given, acceptSource === true));
    return;
  }
  await withKnownJournal(async (journal) => {
    const worst = new ExitCodes();
    for await (const facts of due ? journal.list({ due: Date.now() }) : resumable(journal)) {
      worst.add(await resumeOne(journal, facts.id, given, acceptSource === true));
      if (SIGNALS.includes(worst.last)) break;
    }
    process.exitCode = worst.code;
  });
}

/** What workers are at goes on by itself; what none is at, since its job is gone, is put into the queue again. */
async function resumeByWorker(id: string | undefined, server: NatsAccess): Promise<void> {
  if (id === undefined)
    throw new UsageError("Cannot resume: on a server the workers look after what is due; name one execution");
  try {
    const { resubmit } = await import("../../workers/index.ts");
    await resubmit(id, server);
  } catch (error) {
    throw toUsageError(error);
  }
  printNotes([`put into the queue: ${id}; a worker goes on with it`]);
}

/** All that are suspended, and all that were interrupted. */
async function* resumable(journal: Journal): AsyncGenerator<ExecutionFacts> {
  for await (const facts of journal.list({ state: "running" })) if (facts.holder === undefined) yield facts;
  yield* journal.list({ state: "suspended" });
}

/** One of several: what is wrong with it does not keep the others from going on. */
async function resumeOne(
  journal: Journal,
  id: string,
  given: Partial<ScriptOptions>,
  acceptSource: boolean,
): Promise<number> {
  try {
    const execution = await journal.get(id);
    // Somebody else may have been faster.
    if (execution === undefined) return EXIT.ok;
    await resumeExecution(journal, execution, given, acceptSource);
    const facts = await journal.get(id);
    if (facts !== undefined && !given.quiet) printNotes([`${id}: ${describeExecution(facts)}`]);
    return Number(process.exitCode ?? EXIT.ok);
  } catch (failure) {
    const error = toUsageError(failure);
    if (!(error instanceof UsageError)) throw error;
    printNotes([errorLine(error)]);
    return error.exitCode;
  }
}

/** The exit code for several: that of the first that failed. One that is suspended again has not. */
class ExitCodes {
  code: number = EXIT.ok;
  last: number = EXIT.ok;

  add(code: number): void {
    this.last = code;
    if (this.code === EXIT.ok && code !== EXIT.suspended) this.code = code;
  }
}
