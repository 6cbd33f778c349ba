import { hasAll, isSame, missingEvent, toPlain, toText } from "../compare/compare-values.ts";
import { unifiedDiff } from "../compare/unified-diff.ts";
import type { Execution } from "../run/execute-script.ts";
import type { GoldenTestFacts } from "./golden-test-options.ts";
import type { TestFailure } from "./test-result.ts";

/** Most lines of stderr, and most events, that are shown of a script that has failed. */
const MAX_STDERR_LINES = 30;
const MAX_EVENTS = 40;

/** Holds everything that a test expects, but for its golden, against what came; all of it, whatever fails first. */
export async function checkExpectations(execution: Execution, facts: GoldenTestFacts): Promise<TestFailure[]> {
  const failures = [
    checkExit(execution, facts),
    await checkStdout(execution, facts),
    await checkResult(execution, facts),
    checkEvents(execution, facts),
  ];
  return failures.filter((failure) => failure !== undefined);
}

function checkExit(execution: Execution, { test, document, prepared }: GoldenTestFacts): TestFailure | undefined {
  const expected = document?.expect?.exit ?? 0;
  const { exitCode, outcome, stderr } = execution;
  if (exitCode === expected) return undefined;
  const said = stderr === "" ? [] : ["", "stderr:", ...lastLines(stderr)];
  const details = [prepared.describe(outcome), ...said].join("\n").trim();
  return {
    what: "exit",
    text: `exit code ${exitCode}, expected ${expected}`,
    ...(details === "" ? {} : { details }),
    file: test.script,
  };
}

async function checkStdout({ output, stdout }: Execution, facts: GoldenTestFacts): Promise<TestFailure | undefined> {
  const { expect } = facts.document ?? {};
  if (expect?.stdout === undefined) return undefined;
  // A result that is expected by itself need not be among what is printed; nor need the end of the last line.
  const printed = expect.result === undefined ? [output] : [output, facts.redact(stdout).toWellFormed()];
  if (printed.some((text) => text === expect.stdout || text === `${expect.stdout}\n`)) return undefined;
  const names = { expected: "expect.stdout", actual: "stdout" };
  const expected = printed[0]!.endsWith("\n") && !expect.stdout.endsWith("\n") ? `${expect.stdout}\n` : expect.stdout;
  return {
    what: "stdout",
    text: "stdout is not what is expected",
    diff: await unifiedDiff(expected, output, names),
    ...placeOf(facts, "stdout"),
  };
}

async function checkResult({ outcome }: Execution, facts: GoldenTestFacts): Promise<TestFailure | undefined> {
  const { expect } = facts.document ?? {};
  if (expect === undefined || !("result" in expect)) return undefined;
  const expected = toPlain(expect.result);
  const actual = toPlain(outcome.value ?? outcome.text);
  if (isSame(expected, actual)) return undefined;
  return {
    what: "result",
    text: "the result is not what is expected",
    diff: await unifiedDiff(toText(expected), toText(actual), { expected: "expect.result", actual: "result" }),
    ...placeOf(facts, "result"),
  };
}

function checkEvents({ events }: Execution, facts: GoldenTestFacts): TestFailure | undefined {
  const { expect } = facts.document ?? {};
  if (expect?.events === undefined) return undefined;
  const plain = events.map(toPlain);
  const missing = missingEvent(expect.events, plain);
  if (missing === undefined) return undefined;
  const wanted = expect.events[missing]!;
  const isThere = plain.some((event) => hasAll(typeof wanted === "string" ? { type: wanted } : wanted, event));
  const what = typeof wanted === "string" ? `"${wanted}"` : JSON.stringify(wanted);
  const after = isThere ? " after those before it" : "";
  const types = events.map(({ type, step }) => `${type} (${step.type})`);
  const more = types.length > MAX_EVENTS ? [`… ${types.length - MAX_EVENTS} more`] : [];
  return {
    what: "events",
    text: `event ${missing + 1} that is expected, ${what}, does not come${after}`,
    details: ["events:", ...(types.length === 0 ? ["none"] : types.slice(0, MAX_EVENTS)), ...more].join("\n"),
    ...placeOf(facts, "events"),
  };
}

function placeOf({ test, document }: GoldenTestFacts, key: string): Pick<TestFailure, "file" | "line"> {
  const line = document?.lineOf(["expect", key]);
  return { file: test.document, ...(line === undefined ? {} : { line }) };
}

function lastLines(text: string): string[] {
  const lines = text.trimEnd().split("\n");
  const more = lines.length - MAX_STDERR_LINES;
  return more > 0 ? [`… ${more} lines before`, ...lines.slice(-MAX_STDERR_LINES)] : lines;
}
