import type { Parameters } from "fast-check";
import { patience } from "../../machine/patience.ts";

const seconds = Number(process.env["GEPPETTO_FUZZ_SECONDS"] ?? 0);

/**
 * How long a property is tried: as often as given, or, with GEPPETTO_FUZZ_SECONDS, for so many seconds. What fails is
 * found again with the seed and path that the failure names.
 */
export function fuzzBudget(runs: number): Parameters<unknown> {
  if (!(seconds > 0)) return { numRuns: runs, interruptAfterTimeLimit: patience(8000), markInterruptAsFailure: false };
  return { numRuns: Infinity, interruptAfterTimeLimit: seconds * 1000, markInterruptAsFailure: false };
}

/** Time for a test that has this budget, in ms. */
export const FUZZ_TIMEOUT_MS: number = seconds * 1000 + patience(120_000);
