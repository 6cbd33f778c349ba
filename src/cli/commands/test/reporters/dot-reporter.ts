import type { TestResult, TestSummary } from "../../../../golden-tests.ts";
import { DefaultReporter } from "./default-reporter.ts";
import type { ReportEnd } from "./reporter.ts";

const DOTS = { passed: ".", failed: "F", skipped: "-" } as const;

/** A character for each test; then those that failed or wrote something, and a summary. */
export class DotReporter extends DefaultReporter {
  readonly #results: TestResult[] = [];

  override onResult(result: TestResult): void {
    this.#results.push(result);
    this.output.write(DOTS[result.status]);
  }

  override onEnd(summary: TestSummary, end: ReportEnd): void {
    this.print("");
    for (const result of this.#results) {
      if (result.status === "failed" || result.golden !== undefined) super.onResult(result);
    }
    super.onEnd(summary, end);
  }
}
