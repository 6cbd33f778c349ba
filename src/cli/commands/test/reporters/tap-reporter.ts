import type { TestResult, TestSummary } from "../../../../golden-tests.ts";
import { failureLines, nameOf, placeOf, remarksOf, summaryLine } from "./report-text.ts";
import type { Reporter, ReportOutput } from "./reporter.ts";

/** The Test Anything Protocol, version 14. */
export class TapReporter implements Reporter {
  readonly #output: ReportOutput;
  #count = 0;

  constructor(output: ReportOutput) {
    this.#output = output;
    output.write("TAP version 14\n");
  }

  onResult(result: TestResult): void {
    const { status, failures, durationMs } = result;
    const name = nameOf(result).replaceAll("\\", "\\\\").replaceAll("#", "\\#");
    const skip = status === "skipped" ? " # SKIP the tests were ended" : "";
    this.#print(`${status === "failed" ? "not ok" : "ok"} ${++this.#count} - ${name}${skip}`);
    for (const remark of remarksOf(result)) this.#print(`# ${remark}`);
    if (failures.length === 0) return;
    const [{ text }] = failures as [TestResult["failures"][number]];
    this.#print("  ---");
    this.#print(`  message: ${JSON.stringify(text)}`);
    this.#print(`  at: ${JSON.stringify(placeOf(failures[0]!))}`);
    this.#print(`  duration_ms: ${durationMs}`);
    this.#print("  details: |");
    for (const line of failureLines(result, false)) this.#print(line === "" ? "" : `    ${line}`);
    this.#print("  ...");
  }

  onEnd(summary: TestSummary): void {
    this.#print(`1..${this.#count}`);
    this.#print(`# ${summaryLine(summary)}`);
  }

  #print(line: string): void {
    this.#output.write(`${line}\n`);
  }
}
