import { GeppettoError } from "../../shared/errors.ts";
import type { ExecutionState, ListExecutionsOptions, Resolution } from "./journal.ts";

const STATES: Readonly<Record<ExecutionState, true>> = {
  running: true,
  suspended: true,
  completed: true,
  failed: true,
};

/** @throws {GeppettoError} ValidationError, as all of these. */
export function requireText(action: string, what: string, text: unknown): void {
  if (typeof text !== "string") throw unfit(action, `${what} must be a text`);
}

export function requireTenant(action: string, tenant: unknown): void {
  if (tenant !== undefined) requireText(action, "tenant", tenant);
}

/** The number of the record to begin with. */
export function requireRecordNumber(action: string, from: unknown): void {
  if (!Number.isSafeInteger(from)) throw unfit(action, "from must be the number of a record");
}

export function checkListOptions({ state, tenant, due, limit = Infinity }: ListExecutionsOptions): void {
  const action = "list executions";
  if (state !== undefined && !Object.hasOwn(STATES, state))
    throw unfit(action, `state must be one of ${Object.keys(STATES).join(", ")}`);
  requireTenant(action, tenant);
  if (due !== undefined && !isNumber(due)) throw unfit(action, "due must be a time in milliseconds since the epoch");
  if (!isNumber(limit)) throw unfit(action, "limit must be a number");
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && !Number.isNaN(value);
}

/** Which question an answer is to, where it says so. */
export function numbered(action: string, question: unknown): { question?: number } {
  if (question === undefined) return {};
  if (Number.isSafeInteger(question) && (question as number) > 0) return { question: question as number };
  throw unfit(action, "the number of a question is a whole number from 1 on");
}

export function parseResolution(how: unknown): Resolution {
  if (typeof how === "object" && how !== null && Object.keys(how).length === 1) {
    if ("retry" in how && how.retry === true) return { retry: true };
    if ("value" in how) return { value: how.value };
    if ("error" in how && typeof how.error === "string") return { error: how.error };
  }
  throw unfit("resolve the call", "say one of { retry: true }, { value } and { error: text }");
}

export function unfit(action: string, why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot ${action}: ${why}`);
}
