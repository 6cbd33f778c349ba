import type { LogHead, LogRow } from "./log-row.ts";

/** Most parts of a write: more than any may have. */
const MAX_PARTS = 100_000;

type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === "string";
const isCount: Test = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber: Test = (value) => Number.isFinite(value);
const isCounts: Test = (value) => Array.isArray(value) && value.every(isCount);
const orNull =
  (test: Test): Test =>
  (value) =>
    value === null || test(value);

const ROW: Record<keyof LogRow, Test> = {
  id: isText,
  state: isText,
  script: isText,
  tenant: orNull(isText),
  attempt: isCount,
  fence: isCount,
  created_at: isNumber,
  updated_at: isNumber,
  waits_for: isText,
  due_at: orNull(isNumber),
  exit_code: orNull(isNumber),
  error: orNull(isText),
  holder: orNull(isText),
  session: isText,
  first_seq: isCount,
  last_seq: isCount,
  bytes: isCount,
  order: isNumber,
  details_at: isCount,
  answered: isCounts,
  taken: isCounts,
};
const ROW_TESTS = Object.entries(ROW);

/** Whoever can reach the server can write anything there. @throws {SyntaxError} for what is not the head of a message. */
export function readHead(id: string, value: unknown): LogHead {
  const { write, row, parts, part, begins } = record(value);
  const isPart = isCount(part) && isCount(parts) && (part as number) >= 1 && (part as number) <= (parts as number);
  if (!isText(write) || !isPart || (parts as number) > MAX_PARTS || !(begins === undefined || isCount(begins)))
    throw new SyntaxError("it is not a message of a log");
  if (row !== null) checkRow(id, record(row));
  return value as LogHead;
}

function checkRow(id: string, row: Readonly<Record<string, unknown>>): void {
  for (const [name, test] of ROW_TESTS)
    if (!test(row[name])) throw new SyntaxError(`"${name}" in a message of a log is not what it is to be`);
  if (row["id"] !== id) throw new SyntaxError("a message of a log is that of another execution");
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  throw new SyntaxError("it is not a message of a log");
}

/** What is known of an execution of whose log the last message cannot be read: only that there is one. */
export function damagedRow(id: string, writtenAt: number): LogRow {
  return {
    id,
    state: "running",
    script: "",
    tenant: null,
    attempt: 0,
    fence: 0,
    created_at: writtenAt,
    updated_at: writtenAt,
    // Which nobody can read.
    waits_for: "",
    due_at: null,
    exit_code: null,
    error: null,
    holder: null,
    session: "",
    first_seq: 1,
    last_seq: 0,
    bytes: 0,
    order: writtenAt,
    details_at: 0,
    answered: [],
    taken: [],
  };
}
