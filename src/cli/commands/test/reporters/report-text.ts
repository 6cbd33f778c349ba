import { styleText } from "node:util";
import type { TestFailure, TestResult, TestSummary } from "../../../../golden-tests.ts";
import { formatCount } from "../../../options/quantities.ts";
import { shortPath } from "../../../output/short-path.ts";

type Style = "green" | "red" | "yellow" | "cyan" | "dim" | "bold";

export function paint(colors: boolean, style: Style, text: string): string {
  return colors ? styleText(style, text, { validateStream: false }) : text;
}

/** What a test is called: the path of its script. */
export function nameOf({ test }: TestResult): string {
  return shortPath(test.script);
}

/** What was not as it should be, line by line: what, why, and the difference. */
export function failureLines({ failures }: TestResult, colors: boolean): string[] {
  return failures.flatMap(({ text, details, diff = [] }) => [
    ...text.split("\n"),
    ...(details === undefined ? [] : details.split("\n")),
    ...diff.map((line) => paintDiff(colors, line)),
  ]);
}

/** `expect.stdout` of `greet.test.yaml:4`, as a place that can be clicked. */
export function placeOf({ file, line }: TestFailure): string {
  return line === undefined ? shortPath(file) : `${shortPath(file)}:${line}`;
}

/** What else became of a test: files that were written, and what is worth knowing. */
export function remarksOf({ test, golden, recorded, notes }: TestResult): string[] {
  return [
    ...(golden === undefined ? [] : [`${shortPath(test.golden)} ${golden}`]),
    ...(recorded === 0 ? [] : [`${formatCount(recorded, "answer")} added to ${shortPath(test.cassette)}`]),
    ...notes,
  ];
}

/** What no test uses any more, one line each. */
export function obsoleteLines({ results, obsoleteGoldens }: TestSummary): string[] {
  return [
    ...obsoleteGoldens.map((file) => `${shortPath(file)}: its script is gone`),
    ...results.flatMap(({ test, unused }) => unused.map((text) => `${shortPath(test.cassette)}: ${text}`)),
  ];
}

/** "3 passed, 1 failed, 1 written, 0 updated, 2 obsolete (1.2 s)". */
export function summaryLine(summary: TestSummary): string {
  const { passed, failed, skipped, written, updated, obsolete, isRemoved, durationMs } = summary;
  const parts = [
    `${passed} passed`,
    `${failed} failed`,
    ...(skipped === 0 ? [] : [`${skipped} not run`]),
    `${written} written`,
    `${updated} updated`,
    `${obsolete} obsolete${isRemoved && obsolete > 0 ? " (removed)" : ""}`,
  ];
  return `${parts.join(", ")} (${(durationMs / 1000).toFixed(1)} s)`;
}

function paintDiff(colors: boolean, line: string): string {
  if (line.startsWith("---") || line.startsWith("+++")) return paint(colors, "bold", line);
  if (line.startsWith("@@")) return paint(colors, "cyan", line);
  if (line.startsWith("-")) return paint(colors, "red", line);
  return line.startsWith("+") ? paint(colors, "green", line) : line;
}
