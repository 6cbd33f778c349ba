import { GeppettoError } from "../../shared/errors.ts";

/** The machine's name and the process that runs an execution. */
export interface Holder {
  host: string;
  pid: number;
}

export function unknownExecution(action: string, id: unknown): GeppettoError {
  const shown = typeof id === "string" ? JSON.stringify(id) : typeof id;
  return new GeppettoError("ValidationError", `Cannot ${action}: there is no execution ${shown}`, {
    code: "ERR_EXECUTION_UNKNOWN",
  });
}

export function executionExists(id: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot begin an execution: there is one with the id ${id} already`, {
    code: "ERR_EXECUTION_EXISTS",
  });
}

export function executionRuns(id: string, { host, pid }: Holder): GeppettoError {
  return new GeppettoError("StepError", `Cannot resume the execution ${id}: it is running on ${host}, process ${pid}`, {
    code: "ERR_EXECUTION_RUNNING",
    isTransient: true,
  });
}

export function executionEnded(action: string, id: string, state: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot ${action}: the execution ${id} has ended, it has ${state}`, {
    code: "ERR_EXECUTION_ENDED",
  });
}

export function executionFenced(id: string, attempt: number): GeppettoError {
  return new GeppettoError(
    "StepError",
    `Cannot go on with attempt ${attempt} of the execution ${id}: another attempt has taken it over`,
    { code: "ERR_EXECUTION_FENCED" },
  );
}

export function unfitAnswer(action: string, why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot ${action}: ${why}`, { code: "ERR_EXECUTION_ANSWER" });
}

/** @throws {GeppettoError} for an answer that is neither yes nor no: a text such as "false" would be taken for a yes. */
export function requireYesOrNo(approved: unknown): void {
  if (typeof approved === "boolean") return;
  throw new GeppettoError("ValidationError", "Cannot answer: approved must be true or false");
}

export function overJournalLimit(action: string, why: string): GeppettoError {
  return new GeppettoError("LimitError", `Cannot ${action}: ${why}`, { code: "ERR_JOURNAL_LIMIT" });
}

export function overStoreLimit(why: string): GeppettoError {
  return new GeppettoError("LimitError", `Cannot keep the value: ${why}`, { code: "ERR_STORE_LIMIT" });
}

export function journalFailed(why: string, cause?: unknown): GeppettoError {
  return new GeppettoError("StepError", `Cannot use the journal of executions: ${why}`, { code: "ERR_JOURNAL", cause });
}

export function newerJournal(): GeppettoError {
  return new GeppettoError(
    "ConfigError",
    "Cannot use the journal of executions: a newer version of geppetto-js made it",
    { code: "ERR_JOURNAL_VERSION" },
  );
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

export function isExecutionId(id: unknown): id is string {
  return typeof id === "string" && ID.test(id);
}

/** @throws {GeppettoError} ValidationError with code ERR_EXECUTION_ID for what cannot be the id of an execution. */
export function parseExecutionId(id: unknown): string {
  if (isExecutionId(id)) return id;
  const shown = typeof id === "string" ? JSON.stringify(id.slice(0, 140)) : `a ${typeof id}`;
  throw new GeppettoError(
    "ValidationError",
    `Cannot use ${shown} as the id of an execution: it must be 1 to 128 letters, digits and any of . _ : -, and begin with a letter or digit`,
    { code: "ERR_EXECUTION_ID" },
  );
}

/** Nothing is kept of an execution that somebody runs. */
export function executionGone(id: string): GeppettoError {
  return journalFailed(`the server has come back without what it kept, the execution ${id} among it`);
}
