import { MAX_ERROR_CHARS, type ErrorRecord } from "../shared/frames.ts";
import type { ScriptResult } from "./script/script-run.ts";

/**
 * Readers for what the guest reports about itself. All of it is attacker-made: wrong types become harmless ones, texts
 * are cut, unknown fields are dropped.
 */
type Fields = Record<string, unknown>;

export function parseFields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
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
export function parseResult(value: unknown): ScriptResult {
  const fields = parseFields(value);
  const result: ScriptResult = {};
  if ("value" in fields) result.value = fields["value"];
  if (typeof fields["text"] === "string") result.text = fields["text"];
  if (fields["uncopied"] !== undefined) result.uncopied = parseErrorRecord(fields["uncopied"]);
  return result;
}
