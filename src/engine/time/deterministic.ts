import { GeppettoError } from "../../shared/errors.ts";

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

const DEFAULT_NOW = Date.UTC(2026, 0, 1);
/** The last moment that a Date can hold. */
const MAX_MS = 8.64e15;
const ISO_DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * What the option says; undefined where runs are not to be the same each time.
 *
 * @throws {GeppettoError} ConfigError for a seed or a time that cannot be used.
 */
export function parseDeterministic(given: boolean | DeterministicOptions | undefined): Deterministic | undefined {
  if (given === undefined || given === false) return undefined;
  const { seed = 1, now, timeZone } = given === true ? {} : given;
  if (!Number.isSafeInteger(seed)) throw unusable("seed", seed, "it must be a whole number");
  return { seed, now: parseNow(now), timeZone };
}

function parseNow(now: DeterministicOptions["now"]): number {
  if (now === undefined) return DEFAULT_NOW;
  if (typeof now === "string" && !ISO_DATE.test(now)) throw unusable("now", now, HOW);
  // A time without a zone is in UTC, as scripts are.
  const zoned = typeof now === "string" && now.includes("T") && !/(Z|[+-]\d\d:\d\d)$/.test(now) ? `${now}Z` : now;
  const ms = typeof zoned === "number" ? zoned : new Date(zoned).getTime();
  if (!Number.isFinite(ms) || Math.abs(ms) > MAX_MS) throw unusable("now", now, HOW);
  return Math.trunc(ms);
}

const HOW = 'it must be a date such as "2026-01-01T00:00:00Z", or milliseconds since 1970';

function unusable(name: string, value: unknown, how: string): GeppettoError {
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return new GeppettoError("ConfigError", `Cannot use deterministic.${name} ${shown}: ${how}`);
}
