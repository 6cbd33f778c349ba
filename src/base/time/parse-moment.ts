const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/;
/** The last moment that a Date can hold, in milliseconds since the epoch. */
const MAX_MS = 8.64e15;

/**
 * The moment that is meant, in milliseconds since the epoch: a number of them, a Date, or a text such as "2026-01-01" or
 * "2026-01-01T12:00:00Z". A text without a zone is in UTC. Undefined for anything else.
 */
export function parseMoment(given: unknown): number | undefined {
  let ms: number;
  if (typeof given === "string") {
    if (!DATE.test(given)) return undefined;
    ms = Date.parse(given.includes("T") && !/(Z|[+-]\d\d:\d\d)$/.test(given) ? `${given}Z` : given);
  } else ms = given instanceof Date ? given.getTime() : typeof given === "number" ? given : NaN;
  return Math.abs(ms) <= MAX_MS ? Math.trunc(ms) : undefined;
}
