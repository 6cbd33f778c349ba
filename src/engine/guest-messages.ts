import { MAX_ERROR_CHARS, type ErrorRecord } from "../shared/frames.ts";
import type { UncheckedFields, Unchecked } from "../shared/contract/op.ts";
import type { ResultCopy } from "../shared/contract/ops.ts";

/**
 * Readers for what the guest reports about itself. All of it is attacker-made: wrong types become harmless ones, texts
 * are cut, unknown fields are dropped.
 */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- which fields there are is for the caller to say
export function parseFields<T extends object>(value: Unchecked<T>): UncheckedFields<T>;
export function parseFields(value: unknown): Readonly<Record<string, unknown>>;
export function parseFields(value: unknown): object {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function parseText(value: unknown, fallback: string): string {
  if (typeof value !== "string") return fallback;
  return value.length > MAX_ERROR_CHARS + 1 ? `${value.slice(0, MAX_ERROR_CHARS)}…` : value;
}

/** The stack without the runtime's own frames. */
function parseStack(stack: string): string {
  const lines = stack.split("\n");
  return lines.filter((line) => !line.includes("geppetto:")).join("\n");
}

/** A guest's error record. */
export function parseErrorRecord(value: unknown, depth = 0): ErrorRecord {
  const { name, message, code, stack, status, isTransient, cause } = parseFields(value);
  const record: ErrorRecord = { name: parseText(name, "Error").slice(0, 200), message: parseText(message, "") };
  if (typeof code === "string") record.code = code.slice(0, 100);
  if (typeof stack === "string") record.stack = parseStack(parseText(stack, ""));
  if (typeof status === "number") record.status = status;
  if (isTransient === true) record.isTransient = true;
  if (typeof cause === "object" && cause !== null && depth < 5) record.cause = parseErrorRecord(cause, depth + 1);
  return record;
}

/** Marks the records that a guest made. A symbol: it stays on a copy by spreading and never crosses the wall. */
const OF_GUEST: unique symbol = Symbol("made by the guest");

/** A guest's error record that goes on through the host, for example as the failure of a run. */
export function parseGuestFailure(value: unknown): ErrorRecord {
  return Object.assign(parseErrorRecord(value), { [OF_GUEST]: true });
}

/** Was this record, or the one that it is a copy of, made by the guest? */
export function isOfGuest(record: ErrorRecord): boolean {
  return OF_GUEST in record;
}

/** A guest's result: the copied value and its text. */
export function parseResult(value: unknown): ResultCopy {
  const fields = parseFields(value);
  const result: ResultCopy = {};
  if ("value" in fields) result.value = fields["value"];
  if (typeof fields["text"] === "string") result.text = fields["text"];
  if (fields["uncopied"] !== undefined) result.uncopied = parseErrorRecord(fields["uncopied"]);
  return result;
}
