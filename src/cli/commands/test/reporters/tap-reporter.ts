import type { TestResult, TestSummary } from "../../../../golden-tests.ts";
import { failureLines, nameOf, placeOf, remarksOf, summaryLine } from "./report-text.ts";
import type { Reporter, ReportOutput } from "./reporter.ts";

/** What YAML has in no block of text; at its start, what would be taken for its indentation. */
const UNFIT = /^\s|[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

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
    const details = failureLines(result, false).join("\n");
    if (UNFIT.test(details)) this.#print(`  details: ${JSON.stringify(details)}`);
    else this.#print(`  details: |\n${details.replace(/^(?=.)/gm, "    ")}`);
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
