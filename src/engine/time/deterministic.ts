import { parseMoment } from "../../base/time/parse-moment.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { refuseWrong, type FieldsOf } from "../../shared/wrong-option.ts";

export interface DeterministicOptions {
  /** Where random numbers and ids come from: a whole number; default 1. */
  seed?: number;
  /** When the script begins: milliseconds since the epoch, or a date such as "2026-01-01T00:00:00Z", the default. */
  now?: number | string | Date;
  /** What local times are in; default "UTC". */
  timeZone?: string;
}

export interface Deterministic {
  seed: number;
  now: number;
  timeZone: string | undefined;
}

const FIELDS: FieldsOf<DeterministicOptions> = { seed: "integer", now: true, timeZone: true };

const DEFAULT_NOW = Date.UTC(2026, 0, 1);

/**
 * What the option says; undefined where runs are not to be the same each time.
 *
 * @throws {GeppettoError} ConfigError for a seed or a time that cannot be used.
 */
export function parseDeterministic(given: boolean | DeterministicOptions | undefined): Deterministic | undefined {
  if (given === undefined || given === false) return undefined;
  if (given !== true) refuseWrong("make runs deterministic", given, FIELDS);
  const { seed = 1, now, timeZone } = given === true ? {} : given;
  const start = now === undefined ? DEFAULT_NOW : parseMoment(now);
  if (start === undefined) {
    throw unusable("now", now, 'it must be a date such as "2026-01-01T00:00:00Z", or milliseconds since 1970');
  }
  return { seed, now: start, timeZone };
}

function unusable(name: string, value: unknown, how: string): GeppettoError {
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return new GeppettoError("ConfigError", `Cannot use deterministic.${name} ${shown}: ${how}`);
}
