import type { ErrorRecord } from "../../src/shared/frames.ts";
import { ERROR_CODES, type ErrorName } from "../../src/shared/errors.ts";
import {
  ObjectDefineProperty,
  SafeError,
  SafeMap,
  SafeRangeError,
  SafeString,
  SafeTypeError,
  StringIncludes,
} from "../../src/shared/primordials.ts";

function extend(error: object, key: string, value: unknown): void {
  ObjectDefineProperty(error, key, { value, writable: true, enumerable: false, configurable: true });
}

type ErrorClass = new (message: string) => Error;

/** A class for each name: on its way out uncaught, an error keeps the name of its class only. */
const classes = new SafeMap<string, ErrorClass>();
classes.set("Error", SafeError);
classes.set("TypeError", SafeTypeError);
classes.set("RangeError", SafeRangeError);

/** More names than anyone has; from there on a new one gets a class that is not kept. */
const MAX_CLASSES = 100;

function classOf(name: string): ErrorClass {
  const known = classes.get(name);
  if (known !== undefined) return known;
  const made = class extends SafeError {};
  extend(made.prototype, "name", name);
  if (classes.size < MAX_CLASSES) classes.set(name, made);
  return made;
}

/** A guest Error with the extras of the contract, none of them enumerable. */
export function toGuestError(record: ErrorRecord): Error {
  const error = new (classOf(record.name))(record.message);
  if (record.code !== undefined) extend(error, "code", record.code);
  extend(error, "isTransient", record.isTransient ?? false);
  if (record.status !== undefined) extend(error, "status", record.status);
  if (record.cause !== undefined) extend(error, "cause", toGuestError(record.cause));
  extend(error, "includes", (text: unknown) => StringIncludes(SafeString(error.message), SafeString(text)));
  return error;
}

/** An error that guest code of ours throws, for example `guestError("ValidationError", "Expected a number")`. */
export function guestError(name: ErrorName, message: string, code: string = ERROR_CODES[name]): Error {
  return toGuestError({ name, message, code });
}
