import { performance } from "node:perf_hooks";
import { redactorFor } from "../../recordings/redact-secrets.ts";
import { GeppettoError, toErrorRecord } from "../../shared/errors.ts";
import type { GoldenTest } from "../files/test-files.ts";
import { GoldenTestRun } from "./golden-test-run.ts";
import type { GoldenTestOptions } from "./golden-test-options.ts";
import type { TestFailure, TestResult } from "./test-result.ts";
import { readTestDocument } from "../files/test-document.ts";

/** Runs one test. Whatever goes wrong is in its result; it rejects for bugs alone. */
export async function runGoldenTest(test: GoldenTest, options: GoldenTestOptions): Promise<TestResult> {
  const startedAt = performance.now();
  const end = (result: Omit<TestResult, "test" | "durationMs">): TestResult => ({
    test,
    ...result,
    durationMs: Math.round(performance.now() - startedAt),
  });
  try {
    options.signal.throwIfAborted();
    const document = readTestDocument(test.document);
    const prepared = await options.prepare(test, document);
    const redact = redactorFor(prepared.secrets);
    try {
      const facts = { test, document, prepared, redact: (text: string) => redact(text, "output"), options };
      return end(await new GoldenTestRun(facts).run());
    } finally {
      prepared.close?.();
    }
  } catch (error) {
    if (options.signal.aborted) return end({ ...NOTHING, status: "skipped", failures: [] });
    const failure = toFailure(test, error);
    if (failure === undefined) throw error;
    return end({ ...NOTHING, status: "failed", failures: [failure] });
  }
}

/** The result of a test that cannot be run. */
export function unusableTest(file: string, why: string): TestResult {
  const test = { script: file, golden: file, cassette: file, document: file };
  return { test, ...NOTHING, status: "failed", failures: [{ what: "configuration", text: why, file }], durationMs: 0 };
}

const NOTHING = { notes: [], recorded: 0, unused: [] } as const;

/** What is wrong with the files of a test, or its settings. */
function toFailure(test: GoldenTest, error: unknown): TestFailure | undefined {
  if (!(error instanceof GeppettoError)) return undefined;
  const { code } = error;
  const { message: text } = toErrorRecord(error);
  if (code === "ERR_CASSETTE") return { what: "cassette", text, file: test.cassette };
  if (code === "ERR_GOLDEN") return { what: "golden", text, file: test.golden };
  return error.name === "ConfigError" ? { what: "configuration", text, file: test.script } : undefined;
}
