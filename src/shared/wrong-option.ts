import { closestName } from "./closest-name.ts";
import { GeppettoError } from "./errors.ts";
import { isObject } from "./is-object.ts";
import { shown, wrongNumber, type NumberKind } from "./option-numbers.ts";
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

/** Names of options, and what those that are numbers may be. */
export type Fields = Readonly<Record<string, NumberKind | true>>;

/** The names of an interface's fields, of which none is missing, and what those that are numbers may be. */
export type FieldsOf<T> = {
  readonly [K in keyof T]-?: [NonNullable<T[K]>] extends [number] ? NumberKind : true;
};

/** The same for options of a host app's, as the error that refuses them. `what` is what was to be done: "run the script". */
export function wrongOptionError<T extends object>(
  what: string,
  options: T,
  fields: FieldsOf<T>,
): GeppettoError | undefined {
  const wrong = wrongOption(options, fields);
  return wrong === undefined ? undefined : new GeppettoError("ConfigError", `Cannot ${what}: ${wrong}`);
}

/** What is wrong with a number among these options; undefined where nothing is. */
export function wrongNumberOf(options: Readonly<Record<string, unknown>>, fields: Fields): string | undefined {
  const names = ObjectKeys(fields);
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    const kind = fields[name]!;
    const wrong = kind === true ? undefined : wrongNumber(name, options[name], kind);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function wrongOption(options: unknown, fields: Fields): string | undefined {
  if (!isObject(options)) return `its options must be an object, got ${shown(options)}`;
  return unknownOption(options, ObjectKeys(fields)) ?? wrongNumberOf(options, fields);
}

/** @throws {GeppettoError} ConfigError that names the option which is unknown, and what was meant, or is a number that cannot be. */
export function refuseWrong<T extends object>(what: string, options: T, fields: FieldsOf<T>): void {
  const error = wrongOptionError(what, options, fields);
  if (error !== undefined) throw error;
}
