import { InvalidArgumentError, Option, type Command } from "commander";
import type { TestOptions } from "../commands/test/test-command.ts";
import { REPORTERS } from "../commands/test/reporter-names.ts";
import { addRunFlags } from "./run-flags.ts";

/** What the tests have in common with `run`. */
const GROUPS = ["Model", "Limits", "Permissions", "Isolation", "Reproducing"] as const;
/** Each test has a cassette of its own, and runs the same each time. Of `--concurrency` the setting can still be set. */
const OTHER_FLAGS = ["limits.concurrency", "record", "replay", "deterministic"];

/** Adds `test`. It is loaded when it runs. */
export function addTestCommand(
  program: Command,
  env: Readonly<Record<string, string | undefined>>,
  isCalled: boolean,
): Command {
  const test = program
    .command("test")
    .description("compare what scripts print with their .golden files, and with their .test.yaml")
    .argument("[paths...]", "scripts, and folders that hold them (default: this folder)")
    .addOption(new Option("-u, --update", "write goldens anew, and remove what no test uses").helpGroup("Tests:"))
    .addOption(
      new Option("--watch", "test again whenever a script, its imports, a golden or settings change").helpGroup(
        "Tests:",
      ),
    )
    .addOption(
      new Option("--reporter <kind>", "how the results are shown")
        .choices(REPORTERS)
        .default("default")
        .helpGroup("Tests:"),
    )
    .addOption(
      new Option("--concurrency <count>", "tests at once (default: as many as there are processors)")
        .argParser(parseCount)
        .helpGroup("Tests:"),
    )
    .action(async (paths: string[], options: TestOptions, command: Command) => {
      const { testCommand } = await import("../commands/test/test-command.ts");
      await testCommand(paths, options, command);
    });
  // There are so many that making them for nobody can be felt.
  return isCalled ? addRunFlags(test, env, { groups: GROUPS, without: OTHER_FLAGS }) : test;
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a number from 1 to 9999.");
}
