import type { TestResult, TestSummary } from "../../../../golden-tests.ts";
import { failureLines, nameOf } from "./report-text.ts";
import type { Reporter, ReportOutput } from "./reporter.ts";

/** JUnit's XML, as most servers of continuous integration read it. */
export class JunitReporter implements Reporter {
  readonly #output: ReportOutput;

  constructor(output: ReportOutput) {
    this.#output = output;
  }

  onResult(): void {}

  onEnd({ results, failed, skipped, durationMs }: TestSummary): void {
    const counts = `tests="${results.length}" failures="${failed}" errors="0" skipped="${skipped}" time="${seconds(durationMs)}"`;
    const lines = [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<testsuites name="geppetto-js" ${counts}>`,
      `  <testsuite name="geppetto-js" ${counts}>`,
      ...results.flatMap(testCase),
      "  </testsuite>",
      "</testsuites>",
    ];
    this.#output.write(`${lines.join("\n")}\n`);
  }
}

function testCase(result: TestResult): string[] {
  const name = attribute(nameOf(result));
  const head = `    <testcase name="${name}" classname="${name}" time="${seconds(result.durationMs)}"`;
  const [first] = result.failures;
  if (result.status === "skipped") return [`${head}>`, "      <skipped/>", "    </testcase>"];
  if (first === undefined) return [`${head}/>`];
  const text = escaped(failureLines(result, false).join("\n"));
  return [
    `${head}>`,
    `      <failure type="${first.what}" message="${attribute(first.text)}">${text}</failure>`,
    "    </testcase>",
  ];
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** XML 1.0 knows no other control characters, nor halves of characters. */
function escaped(text: string): string {
  return (
    text
      .toWellFormed()
      // oxlint-disable-next-line no-control-regex -- control characters are what is taken out
      .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll("\r", "&#13;")
  );
}

function attribute(text: string): string {
  return escaped(text).replaceAll('"', "&quot;").replaceAll("\n", "&#10;").replaceAll("\t", "&#9;");
}
