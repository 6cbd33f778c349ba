import { encodeValue } from "../../src/shared/codec.ts";
import { ERROR_CODES, type ErrorName } from "../../src/shared/errors.ts";
import { MAX_ERROR_CHARS, type ErrorRecord } from "../../src/shared/frames.ts";
import {
  defineHidden,
  JSONStringify,
  SafeError,
  SafeMap,
  SafeRangeError,
  SafeString,
  SafeTypeError,
  SafeWeakMap,
  StringIncludes,
  StringIndexOf,
  StringSlice,
} from "../../src/shared/primordials.ts";
import { withoutRuntimeFrames } from "./inspect/error-text.ts";

type ErrorClass = new (message: string) => Error;

/** A class for each name: on its way out uncaught, an error keeps the name of its class only. */
const classes = new SafeMap<string, ErrorClass>();
classes.set("Error", SafeError);
classes.set("TypeError", SafeTypeError);
classes.set("RangeError", SafeRangeError);

/** More names than anyone has; from there on a new one gets a class that is not kept. */
const MAX_CLASSES = 100;

/** Longest chain of causes that is described. */
const MAX_CAUSES = 4;

/** Records of errors that came from the host, by the Error object that stands for them here. */
const hostRecords = new SafeWeakMap<object, ErrorRecord>();

function classOf(name: string): ErrorClass {
  const known = classes.get(name);
  if (known !== undefined) return known;
  const made = class extends SafeError {};
  defineHidden(made.prototype, "name", name);
  if (classes.size < MAX_CLASSES) classes.set(name, made);
  return made;
}

/** A guest Error with the extras of the contract, none of them enumerable. */
export function toGuestError(record: ErrorRecord): Error {
  const error = new (classOf(record.name))(record.message);
  if (record.code !== undefined) defineHidden(error, "code", record.code);
  defineHidden(error, "isTransient", record.isTransient ?? false);
  if (record.status !== undefined) defineHidden(error, "status", record.status);
  if (record.cause !== undefined) defineHidden(error, "cause", toGuestError(record.cause));
  defineHidden(error, "includes", (text: unknown) => StringIncludes(SafeString(error.message), SafeString(text)));
  defineHidden(error, "stack", withoutRuntimeFrames(bounded(() => error.stack, "")));
  return error;
}

/** An error that guest code of ours throws, for example `guestError("ValidationError", "Expected a number")`. */
export function guestError(name: ErrorName, message: string, code: string = ERROR_CODES[name]): Error {
  return toGuestError({ name, message, code });
}

/**
 * The Error object for a record of the host's, recognised when it comes back uncaught. `site` is an Error made where
 * the script called: the failure is reported there, not where it happened to arrive.
 */
export function errorFromHost(record: ErrorRecord, site?: Error): Error {
  const error = toGuestError(record);
  hostRecords.set(error, record);
  if (site !== undefined) {
    const frames = withoutRuntimeFrames(bounded(() => site.stack, ""));
    const start = StringIndexOf(frames, "\n");
    defineHidden(error, "stack", `${record.name}: ${record.message}${start < 0 ? "" : StringSlice(frames, start)}`);
  }
  return error;
}

function bounded(read: () => unknown, fallback: string): string {
  try {
    const value = SafeString(read());
    return value.length > MAX_ERROR_CHARS ? `${StringSlice(value, 0, MAX_ERROR_CHARS)}…` : value;
  } catch {
    return fallback;
  }
}

/** A bounded record of anything that was thrown. Never throws itself. */
export function describe(error: unknown, depth = 0): ErrorRecord {
  if (typeof error !== "object" || error === null) {
    const text = bounded(() => error, typeof error);
    return { name: "Error", message: `Uncaught ${typeof error === "string" ? JSONStringify(text) : text}` };
  }
  const known = hostRecords.get(error);
  if (!(error instanceof SafeError)) return { name: "Error", message: bounded(() => `Uncaught ${preview(error)}`, "") };
  const fields = error as Error & Record<string, unknown>;
  const record: ErrorRecord = {
    name: bounded(() => fields.name, "Error"),
    message: bounded(() => fields.message, ""),
  };
  const stack = bounded(() => fields.stack ?? "", "");
  if (stack !== "") record.stack = stack;
  try {
    const { code, cause, status } = fields;
    if (typeof code === "string") record.code = bounded(() => code, "");
    if (typeof status === "number") record.status = status;
    if (fields["isTransient"] === true) record.isTransient = true;
    if (cause !== undefined && depth < MAX_CAUSES) record.cause = describe(cause, depth + 1);
  } catch {
    // A getter that throws adds nothing.
  }
  return known === undefined ? record : { ...record, ...known };
}

function preview(value: object): string {
  try {
    return encodeValue(value, { exotic: "omit" });
  } catch {
    return "an object";
  }
}
