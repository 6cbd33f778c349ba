import { GeppettoError } from "../../../shared/errors.ts";
import { journalFailed } from "../execution-errors.ts";
import { JournalTables, type JournalOp, type JournalOps } from "./journal-tables.ts";

/** Something that is asked of a journal's tables. */
export interface JournalRequest<Op extends JournalOp = JournalOp> {
  op: Op;
  args: Parameters<JournalOps[Op]>;
}

export type JournalOutcome = { value: unknown } | { error: GeppettoError };

/**
 * Does what is asked, in order; writes that follow one another are one transaction, which waits for the disk once. One
 * that is refused leaves the others as they are. Where the disk fails, none of a transaction is done.
 */
export function perform(tables: JournalTables, requests: readonly JournalRequest[]): JournalOutcome[] {
  const outcomes: JournalOutcome[] = [];
  for (let at = 0; at < requests.length;) {
    const { op } = requests[at]!;
    if (JournalTables.isRead(op)) outcomes.push(attempt(() => tables.read(() => ask(tables, requests[at]!))));
    else outcomes.push(...writeAll(tables, writesFrom(requests, at)));
    at = outcomes.length;
  }
  return outcomes;
}

function writesFrom(requests: readonly JournalRequest[], at: number): readonly JournalRequest[] {
  const end = requests.findIndex(({ op }, i) => i >= at && JournalTables.isRead(op));
  return requests.slice(at, end === -1 ? undefined : end);
}

function writeAll(tables: JournalTables, requests: readonly JournalRequest[]): JournalOutcome[] {
  let outcomes: JournalOutcome[] = [];
  try {
    tables.write(() => {
      outcomes = requests.map((request) => refusable(() => ask(tables, request)));
    });
    return outcomes;
  } catch (error) {
    const failed = { error: toJournalError(error) };
    return requests.map(() => failed);
  }
}

function ask(tables: JournalTables, { op, args }: JournalRequest): unknown {
  return (tables.ops[op] as (...args: readonly unknown[]) => unknown)(...args);
}

function attempt(work: () => unknown): JournalOutcome {
  try {
    return { value: work() };
  } catch (error) {
    return { error: toJournalError(error) };
  }
}

/** An error of our own comes before anything was changed; all others undo the whole transaction. */
function refusable(work: () => unknown): JournalOutcome {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof GeppettoError) return { error };
    throw error;
  }
}

/** What SQLite's codes mean to whoever uses a journal. */
const REASONS: Readonly<Record<number, string>> = {
  5: "another program has been writing it for several seconds",
  6: "another program has been writing it for several seconds",
  8: "it may not be written",
  10: "the disk fails, or its quota is used up",
  11: "it is damaged",
  13: "the disk is full",
  14: "its file cannot be opened",
  19: "it is damaged",
  26: "its file is not a journal of executions",
};

/** Also what the file system says. */
export function toJournalError(error: unknown): GeppettoError {
  if (error instanceof GeppettoError) return error;
  const { errcode, message } = error as { errcode?: number; message: string };
  const reason = errcode === undefined ? undefined : REASONS[errcode & 0xff];
  return journalFailed(reason ?? message, error);
}
