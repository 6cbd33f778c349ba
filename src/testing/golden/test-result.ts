import type { GoldenTest } from "../files/test-files.ts";

/** What was not as it should be. */
export interface TestFailure {
  /** The expectation that was not met; or what is wrong with the test itself, or cannot be written. */
  what: "exit" | "stdout" | "result" | "events" | "golden" | "cassette" | "configuration" | "output";
  /** One line. */
  text: string;
  /** What else there is to know, in any number of lines: the script's error, for example. */
  details?: string;
  /** The lines of a unified diff, from what was expected to what came. */
  diff?: readonly string[];
  /** Where to look: a path, and a line from 1. */
  file: string;
  line?: number;
}

export interface TestResult {
  /** Of a test that cannot be run, `script` is the file that is in the way. */
  test: GoldenTest;
  /** "skipped": the tests were ended before this one was over. */
  status: "passed" | "failed" | "skipped";
  failures: readonly TestFailure[];
  /** What the user should know, whether the test has passed or not; one line each. */
  notes: readonly string[];
  /** What became of the golden, where it was changed. */
  golden?: "written" | "updated";
  /** How many answers were added to the cassette. */
  recorded: number;
  /** Recordings of the cassette that the test did not use, in words. */
  unused: readonly string[];
  durationMs: number;
}

export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
  /** Goldens that are new. */
  written: number;
  /** Goldens that have changed. */
  updated: number;
  /** Goldens without a script, and recordings that no test has used. */
  obsolete: number;
  /** Answers that were added to cassettes. */
  recorded: number;
}

export interface TestSummary extends TestCounts {
  results: readonly TestResult[];
  /** Goldens whose script is gone. */
  obsoleteGoldens: readonly string[];
  /** Has what is obsolete been removed? */
  isRemoved: boolean;
  durationMs: number;
}

export function countResults(results: readonly TestResult[], obsoleteGoldens: readonly string[]): TestCounts {
  const count = (isCounted: (result: TestResult) => boolean): number => results.filter(isCounted).length;
  const sum = (of: (result: TestResult) => number): number => results.reduce((all, result) => all + of(result), 0);
  return {
    passed: count(({ status }) => status === "passed"),
    failed: count(({ status }) => status === "failed"),
    skipped: count(({ status }) => status === "skipped"),
    written: count(({ golden }) => golden === "written"),
    updated: count(({ golden }) => golden === "updated"),
    obsolete: obsoleteGoldens.length + sum(({ unused }) => unused.length),
    recorded: sum(({ recorded }) => recorded),
  };
}
