import { statSync } from "node:fs";
import { findError } from "../../error-texts.ts";
import { reasonOf } from "../../files.ts";
import { GeppettoError, type ExecutionDetails, type Journal, SqliteJournal } from "../../index.ts";
import { withRunLog } from "../commands/runs-command.ts";
import type { NatsAccess } from "../../workers/index.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { shortPath } from "../output/short-path.ts";
import { executionsFile } from "../session/run-log-file.ts";

/** A journal on a server, where the command names one; else it is the user's own file. */
let server: NatsAccess | undefined;

/** From here on executions are those on this server. */
export function useServer(access: NatsAccess): void {
  server = access;
}

/** The server that the command names. */
export function usedServer(): NatsAccess | undefined {
  return server;
}

/** How long a command waits for a server that is away, in milliseconds. */
const PATIENCE_MS = 5000;
/** Most ids that are named where several fit. */
const MAX_NAMED = 5;

/** What is said of a file that no further attempt at reading it makes better. */
const FLAWED_FILE = /: (?:it is damaged|its file is not a journal of executions)$/;

/** What an error of a journal, or of an execution, is to the user of the command line; others are handed back. */
export function toUsageError(error: unknown): unknown {
  if (!(error instanceof GeppettoError)) return error;
  const isOfFile = server === undefined && (error.code === "ERR_JOURNAL" || error.code === "ERR_JOURNAL_VERSION");
  const mend = FLAWED_FILE.test(error.message)
    ? "; put a copy in its place, or move it away: a new one is made then"
    : "";
  const file = isOfFile ? ` (${shortPath(executionsFile())})${mend}` : "";
  // The engine knows no command line.
  const way = error.code === "ERR_EXECUTION_SOURCE" ? ": geppetto-js runs resume ID --accept-source" : file;
  return new UsageError(error.message + way, findError(error.code)?.exit ?? EXIT.uncaught, error.code);
}

/**
 * Does something with the journal of executions, and closes it.
 *
 * @throws {UsageError} for what the journal says is wrong.
 */
export async function withJournal<T>(work: (journal: Journal) => Promise<T>): Promise<T> {
  try {
    await using journal = await openJournal();
    return await work(journal);
  } catch (error) {
    throw toUsageError(error);
  }
}

/** The same where there is a journal; undefined where nothing has ever been kept. */
export async function withKnownJournal<T>(work: (journal: Journal) => Promise<T>): Promise<T | undefined> {
  return server !== undefined || isJournalThere() ? withJournal(work) : undefined;
}

/** @throws {UsageError} where the system does not say: nobody knows then whether anything is kept there. */
function isJournalThere(): boolean {
  const file = executionsFile();
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw new UsageError(
      `Cannot read the journal of executions: ${reasonOf(error)} (${shortPath(file)})`,
      EXIT.output,
      "ERR_JOURNAL",
    );
  }
}

async function openJournal(): Promise<Journal> {
  if (server === undefined) return SqliteJournal.open(executionsFile());
  const { NatsJournal } = await import("../../workers/index.ts");
  return NatsJournal.open({ patienceMs: PATIENCE_MS, ...server });
}

/**
 * Does something with an execution, which is named by its id or by the beginning of it that no other has.
 *
 * @throws {UsageError} where there is none, or several; for what the journal says is wrong.
 */
export async function withExecution<T>(
  id: string,
  work: (journal: Journal, execution: ExecutionDetails) => Promise<T>,
): Promise<T> {
  const done = await withFound(
    async (journal) => (await journal.get(id)) ?? (await findByBeginning(journal, id)),
    work,
  );
  if (done !== undefined) return done.value;
  throw new UsageError(
    `Cannot find the execution: no execution's id is "${id}", or begins so; geppetto-js runs list shows them`,
    EXIT.noFile,
    "ERR_EXECUTION_UNKNOWN",
  );
}

/**
 * Does something with the execution that has this id, or the beginning of it where no run in the log has that.
 *
 * @returns undefined where there is none.
 */
export async function withNamedExecution<T>(
  id: string,
  work: (journal: Journal, execution: ExecutionDetails) => Promise<T>,
): Promise<{ value: T } | undefined> {
  return withFound(async (journal) => {
    const exact = await journal.get(id);
    const isRun = exact === undefined && (id === "last" || (withRunLog((log) => log.ids(id, 1)) ?? []).length > 0);
    return exact ?? (isRun ? undefined : findByBeginning(journal, id));
  }, work);
}

/** Does something with an execution; what is wrong then tells which one it is about. */
async function withFound<T>(
  find: (journal: Journal) => Promise<ExecutionDetails | undefined>,
  work: (journal: Journal, execution: ExecutionDetails) => Promise<T>,
): Promise<{ value: T } | undefined> {
  let runId: string | undefined;
  try {
    return await withKnownJournal(async (journal) => {
      const execution = await find(journal);
      runId = execution?.id;
      return execution && { value: await work(journal, execution) };
    });
  } catch (error) {
    if (error instanceof UsageError) error.runId ??= runId;
    throw error;
  }
}

/** @throws {UsageError} for an execution, which such a command is not for. */
export async function refuseExecution(id: string, action: string): Promise<void> {
  await withNamedExecution(id, async (_, execution) => {
    throw new UsageError(
      `Cannot ${action} the execution ${execution.id}: executions that last are in a journal of their own, not in the log of runs; geppetto-js runs show ${execution.id} shows it`,
    );
  });
}

async function findByBeginning(journal: Journal, beginning: string): Promise<ExecutionDetails | undefined> {
  const ids: string[] = [];
  for await (const { id } of journal.list()) {
    if (id.startsWith(beginning)) ids.push(id);
    if (ids.length > MAX_NAMED) break;
  }
  if (ids.length < 2) return ids[0] === undefined ? undefined : journal.get(ids[0]);
  const named = ids.slice(0, MAX_NAMED).join(", ");
  throw new UsageError(
    `Cannot find the execution: the ids of several begin with "${beginning}": ${named}${ids.length > MAX_NAMED ? ", …" : ""}`,
    EXIT.noFile,
    "ERR_EXECUTION_UNKNOWN",
  );
}
