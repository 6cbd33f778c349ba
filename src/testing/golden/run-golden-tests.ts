import { availableParallelism } from "node:os";
import { performance } from "node:perf_hooks";
import { rm } from "node:fs/promises";
import type { FoundTests } from "../files/find-tests.ts";
import type { GoldenTestOptions } from "./golden-test-options.ts";
import { runGoldenTest, unusableTest } from "./run-golden-test.ts";
import { countResults, type TestResult, type TestSummary } from "./test-result.ts";

export interface GoldenTestsOptions extends GoldenTestOptions {
  /** Tests at once; default as many as there are processors. */
  concurrency?: number;
  /** Hears of each result, in the order of the tests. */
  onResult?(result: TestResult): void;
}

/** Runs tests, several at once, each in engines of its own. When the signal aborts, those under way are ended. */
export async function runGoldenTests(found: FoundTests, options: GoldenTestsOptions): Promise<TestSummary> {
  const startedAt = performance.now();
  const { tests, unusable, obsolete } = found;
  const { concurrency = availableParallelism(), signal, onResult, isUpdate, isCI } = options;
  const results: (TestResult | undefined)[] = unusable.map(({ file, why }) => unusableTest(file, why));
  const offset = results.length;
  let told = 0;
  const tell = (): void => {
    for (; told < offset + tests.length && results[told] !== undefined; told++) onResult?.(results[told]!);
  };
  tell();
  let next = 0;
  async function work(): Promise<void> {
    for (let index = next++; index < tests.length; index = next++) {
      results[offset + index] = await runGoldenTest(tests[index]!, options);
      tell();
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, tests.length) }, work));
  const isRemoved = isUpdate && !isCI && !signal.aborted;
  if (isRemoved) for (const golden of obsolete) await rm(golden, { force: true });
  const all = results as TestResult[];
  return {
    ...countResults(all, obsolete),
    results: all,
    obsoleteGoldens: obsolete,
    isRemoved,
    durationMs: Math.round(performance.now() - startedAt),
  };
}
