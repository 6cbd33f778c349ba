/** Golden tests, for the command line; not a part of the package's interface. */
export { findTests, LOOKED_FOR } from "./testing/files/find-tests.ts";
export { importedFiles } from "./testing/files/imported-files.ts";
export type { TestDocument } from "./testing/files/test-document.ts";
export type { GoldenTest } from "./testing/files/test-files.ts";
export type { PreparedTest } from "./testing/golden/golden-test-options.ts";
export { runGoldenTests, type GoldenTestsOptions } from "./testing/golden/run-golden-tests.ts";
export type { TestFailure, TestResult, TestSummary } from "./testing/golden/test-result.ts";
export { isCI } from "./testing/is-ci.ts";
