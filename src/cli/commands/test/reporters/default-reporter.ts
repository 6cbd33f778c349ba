import type { TestResult, TestSummary } from "../../../../golden-tests.ts";
import { failureLines, nameOf, obsoleteLines, paint, remarksOf, summaryLine } from "./report-text.ts";
import type { ReportEnd, Reporter, ReportOutput } from "./reporter.ts";

const WORDS = { passed: "ok     ", failed: "FAILED ", skipped: "not run" } as const;
const STYLES = { passed: "green", failed: "red", skipped: "yellow" } as const;

/** A line for each test, with the differences of those that fail below it, and a summary. */
export class DefaultReporter implements Reporter {
  protected readonly output: ReportOutput;

  constructor(output: ReportOutput) {
    this.output = output;
  }

  onResult(result: TestResult): void {
    const { status, durationMs } = result;
    const { colors } = this.output;
    const word = paint(colors, STYLES[status], WORDS[status]);
    const time = paint(colors, "dim", `(${durationMs} ms)`);
    this.print(`${word} ${nameOf(result)} ${time}`);
    for (const line of [...remarksOf(result), ...failureLines(result, colors)])
      this.print(line === "" ? "" : `        ${line}`);
  }

  onEnd(summary: TestSummary, _: ReportEnd): void {
    const obsolete = obsoleteLines(summary);
    if (obsolete.length > 0) {
      const head = summary.isRemoved ? "Removed, since no test uses it:" : "Obsolete; -u removes what no test uses:";
      for (const line of [head, ...obsolete.map((text) => `  ${text}`)]) this.print(line);
    }
    this.print(summaryLine(summary));
  }

  protected print(line: string): void {
    this.output.write(`${line}\n`);
  }
}
