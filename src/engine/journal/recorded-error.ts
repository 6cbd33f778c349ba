import { ERROR_CODES, GeppettoError, type ErrorName } from "../../shared/errors.ts";
import type { ErrorRecord } from "../../shared/frames.ts";

/** The error of then. */
export function toError({ name, message, ...details }: ErrorRecord): Error {
  if (Object.hasOwn(ERROR_CODES, name)) return new GeppettoError(name as ErrorName, message, details);
  return Object.assign(new Error(message), { name });
}
