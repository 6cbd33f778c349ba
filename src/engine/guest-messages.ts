import { encodeValue } from "../shared/codec.ts";
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

/** Deepest nesting of causes and of errors within errors that is read. */
const MAX_DEPTH = 5;
/** Most errors within one error that are read. */
const MAX_INNER = 20;
/** Longest JSON of the properties of one error that is kept, in characters. */
const MAX_FIELDS_CHARS = 262_144;

/** A guest's error record. */
export function parseErrorRecord(value: unknown, depth = 0): ErrorRecord {
  const given = parseFields(value);
  const { name, message, code, stack, status, isTransient, cause, errors, details, className, hint } = given;
  const record: ErrorRecord = { name: parseText(name, "Error").slice(0, 200), message: parseText(message, "") };
  if (typeof code === "string") record.code = code.slice(0, 100);
  if (typeof stack === "string") record.stack = parseStack(parseText(stack, ""));
  if (typeof status === "number") record.status = status;
  if (isTransient === true) record.isTransient = true;
  if (typeof details === "string") record.details = parseText(details, "");
  if (typeof className === "string") record.className = className.slice(0, 200);
  if (typeof hint === "string") record.hint = hint.slice(0, 500);
  const fields = parseOwnFields(given["fields"]);
  if (fields !== undefined) record.fields = fields;
  if (depth >= MAX_DEPTH) return record;
  if (Array.isArray(errors)) {
    record.errors = errors.slice(0, MAX_INNER).map((error) => parseErrorRecord(error, depth + 1));
  }
  if (typeof cause === "object" && cause !== null) record.cause = parseErrorRecord(cause, depth + 1);
  return record;
}

function parseOwnFields(value: unknown): Record<string, unknown> | undefined {
  try {
    if (value === undefined || encodeValue(value).length > MAX_FIELDS_CHARS) return undefined;
  } catch {
    // Nested too deeply: no honest guest sends that.
    return undefined;
  }
  return { ...parseFields(value) };
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

/** An exit code of the script's own, 0 to 63; undefined for anything else. */
export function parseExitCode(value: Unchecked<{ code: number | undefined }>): number | undefined {
  const { code } = parseFields(value);
  return typeof code === "number" && Number.isInteger(code) && code >= 0 && code <= 63 ? code : undefined;
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
