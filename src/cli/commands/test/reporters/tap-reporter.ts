import type { TestResult, TestSummary } from "../../../../golden-tests.ts";
import { failureLines, nameOf, placeOf, remarksOf, summaryLine } from "./report-text.ts";
import type { Reporter, ReportOutput } from "./reporter.ts";

/** What YAML has in no block of text. */
const UNFIT = /[^\t\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

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
    const name = onOneLine(nameOf(result)).replaceAll("\\", "\\\\").replaceAll("#", "\\#");
    const skip = status === "skipped" ? " # SKIP the tests were ended" : "";
    this.#print(`${status === "failed" ? "not ok" : "ok"} ${++this.#count} - ${name}${skip}`);
    for (const remark of remarksOf(result)) this.#print(`# ${onOneLine(remark)}`);
    if (failures.length === 0) return;
    const [{ text }] = failures as [TestResult["failures"][number]];
    this.#print("  ---");
    this.#print(`  message: ${JSON.stringify(text)}`);
    this.#print(`  at: ${JSON.stringify(placeOf(failures[0]!))}`);
    this.#print(`  duration_ms: ${durationMs}`);
    const lines = failureLines(result, false);
    if (lines.some((line) => UNFIT.test(line))) this.#print(`  details: ${JSON.stringify(lines.join("\n"))}`);
    else for (const line of ["  details: |", ...lines.map((text) => text && `    ${text}`)]) this.#print(line);
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

/** A line that begins within a name would be read as a line of the protocol. */
function onOneLine(text: string): string {
  return text.replace(/[\r\n]/g, " ");
}
