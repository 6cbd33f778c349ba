import type { ExecutionDetails, Journal, Resolution } from "../../index.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { printNotes } from "../output/print-table.ts";
import { userName } from "../consents/user-name.ts";
import { toUsageError, usedServer, withExecution } from "./open-journal.ts";
import { findQueued } from "./queued.ts";

export interface ApproveOptions {
  refuse?: true;
  question?: number;
  note?: string;
}

export interface ResolveOptions {
  retry?: true;
  value?: string;
  error?: string;
  question?: number;
}

/** `geppetto-js runs send ID NAME` */
export async function sendToExecution(id: string, name: string, { data }: { data?: string }): Promise<void> {
  const payload = data === undefined ? undefined : parseJson("--data", data);
  const whole = await tell(id, async (journal, execution) => {
    await journal.send(execution.id, name, payload);
    return execution.id;
  });
  sayHowToGoOn("sent", whole);
}

/** `geppetto-js runs approve ID` */
export async function approveExecution(id: string, { refuse, question, note }: ApproveOptions): Promise<void> {
  const whole = await tell(id, async (journal, execution) => {
    await journal.approve(execution.id, {
      approved: refuse !== true,
      by: userName(),
      ...(question === undefined ? {} : { question }),
      ...(note === undefined ? {} : { note }),
    });
    return execution.id;
  });
  sayHowToGoOn(refuse ? "refused" : "approved", whole);
}

/** `geppetto-js runs resolve ID` */
export async function resolveExecution(id: string, { question, ...given }: ResolveOptions): Promise<void> {
  const how = toResolution(given);
  const whole = await tell(id, async (journal, execution) => {
    await journal.resolve(execution.id, how, question);
    return execution.id;
  });
  sayHowToGoOn("resolved", whole);
}

/** `geppetto-js runs cancel ID` */
export async function cancelExecution(id: string): Promise<void> {
  const { holder, whole } = await tell(
    id,
    async (journal, execution) => {
      await journal.cancel(execution.id);
      return { holder: execution.holder, whole: execution.id };
    },
    async (queued) => {
      await cancelQueued(queued);
      return { holder: undefined, whole: queued };
    },
  );
  const when =
    holder === undefined ? "cancelled" : `told to end: it is running on ${holder.host}, process ${holder.pid}`;
  printNotes([`${when}: ${whole}`]);
}

/**
 * Does something with an execution; where it waits in the queue of a server, `orQueued`.
 *
 * @throws {UsageError} as `withExecution` does; where it waits in a queue, and nothing else can be done with it.
 */
async function tell<T>(
  id: string,
  work: (journal: Journal, execution: ExecutionDetails) => Promise<T>,
  orQueued: (id: string) => Promise<T> = refuseQueued,
): Promise<T> {
  try {
    return await withExecution(id, work);
  } catch (error) {
    const isUnknown = error instanceof UsageError && error.code === "ERR_EXECUTION_UNKNOWN";
    const queued = isUnknown ? await findQueued(id) : undefined;
    if (queued === undefined) throw error;
    return orQueued(queued.id);
  }
}

async function refuseQueued(id: string): Promise<never> {
  const why = `the execution ${id} waits in the queue, no worker has begun it`;
  throw new UsageError(`Cannot tell it anything: ${why}`, EXIT.noFile, "ERR_EXECUTION_UNKNOWN");
}

async function cancelQueued(id: string): Promise<void> {
  const { openExecution } = await import("../../workers/index.ts");
  try {
    await using execution = await openExecution(id, usedServer()!);
    await execution.cancel();
  } catch (error) {
    throw toUsageError(error);
  }
}

function toResolution({ retry, value, error }: Omit<ResolveOptions, "question">): Resolution {
  const given = [retry, value, error].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw new UsageError("Cannot resolve the call: say one of --retry, --value JSON and --error TEXT");
  if (value !== undefined) return { value: parseJson("--value", value) };
  return error === undefined ? { retry: true } : { error };
}

function parseJson(flag: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = (error as Error).message;
    throw new UsageError(`Cannot read ${flag}: ${why}; a text needs quotes of JSON's own: ${flag} '"text"'`);
  }
}

function sayHowToGoOn(what: string, id: string): void {
  const how = usedServer() === undefined ? `; go on with: geppetto-js runs resume ${id}` : "; a worker goes on with it";
  printNotes([what + how]);
}
