import type { TestResult, TestSummary } from "../../../../golden-tests.ts";

/** Where a report goes. */
export interface ReportOutput {
  write(text: string): void;
  colors: boolean;
}

export interface ReportEnd {
  /** Has every test passed, and was there one? */
  isOk: boolean;
}

/** Tells how tests came out. */
export interface Reporter {
  /** Hears of each test when it is over, in their order. */
  onResult(result: TestResult): void;
  onEnd(summary: TestSummary, end: ReportEnd): void;
}
