import { ERROR_CODES, type ErrorName } from "../../../src/shared/errors.ts";
import { MAX_ERROR_CHARS, type ErrorRecord } from "../../../src/shared/frames.ts";
import {
  append,
  defineHidden,
  ErrorToString,
  JSONStringify,
  ObjectAssign,
  ObjectGetOwnPropertyDescriptor,
  SafeError,
  SafeMap,
  SafeRangeError,
  SafeString,
  SafeTypeError,
  SafeWeakMap,
  StringIncludes,
  StringIndexOf,
  StringSlice,
} from "../../../src/shared/primordials.ts";
import { isError } from "../inspect/brands.ts";
import { withoutRuntimeFrames } from "../inspect/error-text.ts";
import { inspect } from "../inspect/inspect.ts";
import { detailsOf } from "./error-details.ts";
import { suggestName } from "./error-hints.ts";
import { translateFrame } from "./source-places.ts";

type ErrorClass = new (message: string) => Error;

/** A class for each name: on its way out uncaught, an error keeps the name of its class only. */
const classes = new SafeMap<string, ErrorClass>();
classes.set("Error", SafeError);
classes.set("TypeError", SafeTypeError);
classes.set("RangeError", SafeRangeError);

/** More names than anyone has; from there on a new one gets a class that is not kept. */
const MAX_CLASSES = 100;

/** Longest chain of causes, and deepest nesting of errors within errors, that is described. */
const MAX_CAUSES = 4;
/** Most errors within one error that are described. */
const MAX_INNER = 10;
/** Most errors that are described together. */
const MAX_RECORDS = 40;

/** Records of errors that came from the host, by the Error object that stands for them here. */
const hostRecords = new SafeWeakMap<object, ErrorRecord>();

function classOf(name: string): ErrorClass {
  const known = classes.get(name);
  if (known !== undefined) return known;
  const made = class extends SafeError {};
  defineHidden(made, "name", name);
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
  if (record.errors !== undefined) defineHidden(error, "errors", toGuestErrors(record.errors));
  defineHidden(error, "includes", (text: unknown) => StringIncludes(SafeString(error.message), SafeString(text)));
  defineHidden(error, "stack", withoutRuntimeFrames(bounded(() => error.stack, "")));
  return error;
}

function toGuestErrors(records: readonly ErrorRecord[]): Error[] {
  const errors: Error[] = [];
  for (let i = 0; i < records.length; i++) append(errors, toGuestError(records[i]!));
  return errors;
}

/**
 * Gives an error of the script's own what errors of runs have, where it lacks it: it stays the same object, and nothing
 * that is added can be enumerated. What is not an Error, or is frozen, stays as it is.
 */
export function asScriptError(error: unknown): unknown {
  if (!(error instanceof SafeError)) return error;
  try {
    if (!("includes" in error)) {
      defineHidden(error, "includes", (text: unknown) => StringIncludes(SafeString(error.message), SafeString(text)));
    }
    if (!("isTransient" in error)) defineHidden(error, "isTransient", false);
    if (!("code" in error)) defineHidden(error, "code", ERROR_CODES.StepError);
  } catch {
    // Frozen.
  }
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
  const { stack = "", ...told } = record;
  // Where the runtime's own frames took all the room, the place of the call says more than the stack that came with it.
  hostRecords.set(error, site === undefined || StringIndexOf(stack, "\n    at ") >= 0 ? record : told);
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
export function describe(error: unknown): ErrorRecord {
  return describeWithin(error, { left: MAX_RECORDS, path: [] });
}

/** One description: how many records there may be yet, and the errors that lead to the one that is described. */
interface Description {
  left: number;
  readonly path: Error[];
}

function describeWithin(error: unknown, description: Description): ErrorRecord {
  const { path } = description;
  const depth = path.length;
  description.left--;
  if (!isReadableError(error)) return describeValue(error, depth);
  for (let i = 0; i < depth; i++) if (path[i] === error) return { name: "", message: "[Circular]" };
  const fields = error as Error & Record<string, unknown>;
  const record: ErrorRecord = {
    name: bounded(() => fields.name, "Error"),
    message: bounded(() => fields.message, ""),
  };
  const stack = bounded(() => fields.stack ?? "", "");
  if (stack !== "") record.stack = stack;
  append(path, error);
  try {
    const { code, cause, status } = fields;
    if (typeof code === "string") record.code = bounded(() => code, "");
    if (typeof status === "number") record.status = status;
    if (fields["isTransient"] === true) record.isTransient = true;
    const { inner, ...told } = detailsOf(error);
    ObjectAssign(record, told);
    if (inner.length > 0 && depth < MAX_CAUSES) record.errors = describeInner(inner, description);
    if (cause !== undefined) {
      const isLast = depth >= MAX_CAUSES || description.left <= 0;
      record.cause = isLast
        ? { name: "", message: "… further causes are left out" }
        : describeWithin(cause, description);
    }
  } catch {
    // A getter that throws adds nothing.
  }
  path.length = depth;
  const known = hostRecords.get(error);
  if (known !== undefined) return { ...record, ...known };
  const hint = depth === 0 ? suggestion(record) : undefined;
  if (hint !== undefined) record.hint = hint;
  return record;
}

function suggestion({ name, message }: ErrorRecord): string | undefined {
  try {
    return suggestName(name, message);
  } catch {
    return undefined;
  }
}

function describeInner(errors: readonly unknown[], description: Description): ErrorRecord[] {
  const records: ErrorRecord[] = [];
  let i = 0;
  for (; i < errors.length && i < MAX_INNER && description.left > 0; i++) {
    append(records, describeWithin(errors[i], description));
  }
  if (i < errors.length) append(records, { name: "", message: `… and ${errors.length - i} more` });
  return records;
}

/** What was thrown, or is a cause, without being an error. */
function describeValue(value: unknown, depth: number): ErrorRecord {
  if (depth > 0) return { name: "", message: bounded(() => inspect(value), "") };
  const text = bounded(
    () => (typeof value === "string" ? JSONStringify(bounded(() => value, "")) : inspect(value)),
    "",
  );
  return { name: "Error", message: `Uncaught ${text}` };
}

function isReadableError(value: unknown): value is Error {
  try {
    return typeof value === "object" && isError(value);
  } catch {
    return false;
  }
}

/** Errors whose stack was asked for last, the newest first. */
const recent: (Error | undefined)[] = [undefined, undefined, undefined, undefined];

/**
 * An error that nobody catches leaves the isolate as a copy of its message and stack. Making that copy asks for the
 * stack, and V8 asks this hook for it: so the error itself is still known here when the host wants to hear more of it.
 * The hook gives the stack that V8 would, without the runtime's own frames.
 */
export function rememberErrors(): void {
  defineHidden(SafeError, "prepareStackTrace", prepareStackTrace);
}

function prepareStackTrace(error: Error, frames: readonly unknown[]): string {
  if (!isOwn) {
    for (let i = recent.length - 1; i > 0; i--) recent[i] = recent[i - 1];
    recent[0] = error;
  }
  let stack = bounded(() => ErrorToString(error), "Error");
  for (let i = 0; i < frames.length; i++) stack += `\n    at ${translateFrame(bounded(() => frames[i], ""))}`;
  return withoutRuntimeFrames(stack);
}

/** Is the stack that is asked for one of {@link ownStack}? */
let isOwn = false;

/** Frames that are asked for: the runtime's own come first. */
const OWN_FRAMES = 40;

/** The script's frames up to here, in a way that it cannot see; "" where the script makes stacks itself. */
export function ownStack(): string {
  const hook = ObjectGetOwnPropertyDescriptor(SafeError, "prepareStackTrace");
  const limit = ObjectGetOwnPropertyDescriptor(SafeError, "stackTraceLimit");
  if (hook?.value !== prepareStackTrace || limit?.writable !== true) return "";
  isOwn = true;
  const settings = SafeError as unknown as { stackTraceLimit: unknown };
  settings.stackTraceLimit = OWN_FRAMES;
  const { stack = "" } = new SafeError();
  settings.stackTraceLimit = limit.value;
  isOwn = false;
  return stack;
}

/** What there is to say of the error with this message that left the isolate last. */
export function recall(message: string): ErrorRecord | undefined {
  for (let i = 0; i < recent.length; i++) {
    const error = recent[i];
    if (error !== undefined && bounded(() => error.message, "") === message) return describe(error);
  }
  return undefined;
}
