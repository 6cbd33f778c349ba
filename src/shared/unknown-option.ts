import { closestName } from "./closest-name.ts";
import { GeppettoError } from "./errors.ts";
import { ArrayJoin, ObjectKeys, StringSlice } from "./primordials.ts";

/** As much of a name as is shown. */
const MAX_NAME = 100;

/**
 * What is wrong with options of which one is not among those that are known: a misspelt one would be overlooked, and so what
 * it was to do. Undefined where nothing is.
 *
 * @example
 * unknownOption({ singal }, ["signal"]); // 'there is no option "singal"; did you mean "signal"?'
 */
export function unknownOption(options: object, known: readonly string[]): string | undefined {
  const given = ObjectKeys(options);
  for (let i = 0; i < given.length; i++) {
    let isKnown = false;
    for (let k = 0; k < known.length; k++) isKnown ||= known[k] === given[i];
    if (!isKnown) return noOption(given[i]!, known);
  }
  return undefined;
}

function noOption(name: string, known: readonly string[]): string {
  const close = closestName(name, known);
  const all = known.length === 0 ? "there are none" : `the options are ${ArrayJoin(known, ", ")}`;
  const advice = close === undefined ? all : `did you mean "${close}"?`;
  return `there is no option "${StringSlice(name, 0, MAX_NAME)}"; ${advice}`;
}

/** The names of an interface's fields, of which none is missing. */
export type FieldsOf<T> = Readonly<Record<keyof T, true>>;

/** The same for options of a host app's, as the error that refuses them. `what` is what was to be done: "run the script". */
export function unknownOptionError<T extends object>(
  what: string,
  options: T,
  fields: FieldsOf<T>,
): GeppettoError | undefined {
  const wrong = unknownOption(options, ObjectKeys(fields));
  return wrong === undefined ? undefined : new GeppettoError("ConfigError", `Cannot ${what}: ${wrong}`);
}

/** @throws {GeppettoError} ConfigError that names the option, and the one that was meant. */
export function refuseUnknown<T extends object>(what: string, options: T, fields: FieldsOf<T>): void {
  const error = unknownOptionError(what, options, fields);
  if (error !== undefined) throw error;
}
