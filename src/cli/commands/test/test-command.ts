import { findTests, isCI, LOOKED_FOR, runGoldenTests, type TestSummary } from "../../../golden-tests.ts";
import type { Command } from "commander";
import { GeppettoError } from "../../../index.ts";
import { loadSettings } from "../../options/load-settings.ts";
import { withoutFlag } from "../../options/prepare-arguments.ts";
import type { ScriptOptions } from "../../options/script-options.ts";
import { errorLine, UsageError } from "../../options/usage-error.ts";
import { EXIT } from "../../output/exit-codes.ts";
import { shortPath } from "../../output/short-path.ts";
import { Terminal } from "../../output/terminal.ts";
import { formatDuration } from "../../options/quantities.ts";
import { Interrupts } from "../../session/interrupts.ts";
import { describePending } from "../../session/run-monitor.ts";
import { createReporter } from "./create-reporter.ts";
import { prepareTest } from "./prepare-test.ts";

export interface TestOptions extends Partial<ScriptOptions> {
  update?: true;
  watch?: true;
  reporter: string;
  /** Tests at once. */
  concurrency?: number;
}

/** `geppetto-js test [paths…]` */
export async function testCommand(given: readonly string[], options: TestOptions, command: Command): Promise<void> {
  if (options.watch) return await watchTests(given.length === 0 ? ["."] : given, command);
  const { update, watch: _, reporter: kind, concurrency, seed, now, ...flags } = options;
  const terminal = new Terminal(process.stdout, process.stderr, process.env);
  const warn = once((text) => terminal.note(text));
  // What is wrong with the settings of all tests is said once.
  const { warnings } = await loadSettings(flags);
  for (const warning of warnings) warn(warning);
  const paths = given.length === 0 ? ["."] : given;
  const found = find(paths);
  for (const text of found.leftOut) warn(text);
  const inCI = isCI(process.env);
  const isUpdate = update === true;
  if (isUpdate && inCI) warn("Ignoring --update: the variable CI is set, and nothing is written in CI");
  const reporter = createReporter(kind, terminal);
  const abort = new AbortController();
  const interrupts = new Interrupts({ cancel: () => 0, end: () => abort.abort() });
  terminal.onBroken = () => abort.abort();
  try {
    const summary = await runGoldenTests(found, {
      prepare: async (test, document) => {
        const prepared = await prepareTest(test, document, flags, warn);
        return prepared;
      },
      isCI: inCI,
      isUpdate,
      deterministic: { ...(seed === undefined ? {} : { seed }), ...(now === undefined ? {} : { now }) },
      signal: abort.signal,
      ...(concurrency === undefined ? {} : { concurrency }),
      onResult: (result) => reporter.onResult(result),
      onSlow: ({ script }, ms, pending) =>
        terminal.note(`${shortPath(script)} has run for ${formatDuration(ms)}: ${describePending(pending)}`),
    });
    const isEmpty = summary.results.length === 0;
    reporter.onEnd(summary, { isOk: !isEmpty && summary.failed === 0 && summary.skipped === 0 });
    if (isEmpty) {
      const message = `Cannot find a test in ${paths.map(shortest).join(", ")}: looked for ${LOOKED_FOR}`;
      terminal.note(errorLine({ message, code: "ERR_NO_TESTS" }));
    }
    process.exitCode = interrupts.exitCode ?? (isEmpty ? EXIT.uncaught : exitCodeOf(summary));
  } finally {
    interrupts.close();
  }
}

/** Tests again whenever something that the tests depend on changes. */
async function watchTests(paths: readonly string[], command: Command): Promise<void> {
  find(paths);
  const { rawArgs } = command.parent as Command & { rawArgs: string[] };
  const { testFileList } = await import("../../watch/watched-files.ts");
  const { watchFiles } = await import("../../watch/watch-files.ts");
  await watchFiles({ args: withoutFlag(rawArgs, "--watch", command), files: testFileList(paths) });
}

function find(paths: readonly string[]): ReturnType<typeof findTests> {
  try {
    return findTests(paths);
  } catch (error) {
    if (error instanceof GeppettoError && error.code === "ERR_TEST_PATH")
      throw new UsageError(error.message, EXIT.noFile, error.code);
    throw error;
  }
}

/** Where nothing has failed but what the user has written down, or what is to be written, the code says so. */
function exitCodeOf({ results, failed }: TestSummary): number {
  if (failed === 0) return EXIT.ok;
  const kinds = new Set(results.flatMap(({ failures }) => failures.map(({ what }) => what)));
  const areAll = (...whats: string[]): boolean => [...kinds].every((what) => whats.includes(what));
  if (areAll("configuration", "cassette")) return EXIT.config;
  return areAll("output") ? EXIT.output : EXIT.uncaught;
}

function once(say: (text: string) => void): (text: string) => void {
  const said = new Set<string>();
  return (text) => {
    if (said.has(text)) return;
    said.add(text);
    say(text);
  };
}

function shortest(path: string): string {
  return path === "." ? "this folder" : shortPath(path);
}
