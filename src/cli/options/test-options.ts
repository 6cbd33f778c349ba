import { InvalidArgumentError, Option, type Command } from "commander";
import type { TestOptions } from "../commands/test/test-command.ts";
import { REPORTERS } from "../commands/test/reporter-names.ts";
import { addRunFlags } from "./run-flags.ts";

/** What the tests have in common with `run`. */
const GROUPS = ["Model", "Limits", "Permissions", "Isolation", "Reproducing"] as const;
/** Each test has a cassette of its own, and runs the same each time. Of `--concurrency` the setting can still be set. */
const OTHER_FLAGS = ["limits.concurrency", "record", "replay", "deterministic"];

/** Adds `test`, without its options. It is loaded when it runs. */
export function addTestCommand(program: Command): Command {
  return program
    .command("test")
    .description("compare what scripts print with their .golden files, and with their .test.yaml")
    .argument("[paths...]", "scripts, and folders that hold them (default: this folder)")
    .action(async (paths: string[], options: TestOptions) => {
      const { testCommand } = await import("../commands/test/test-command.ts");
      await testCommand(paths, options);
    });
}

/** Adds the options of `test`: its own, and those that it shares with `run`. */
export function addTestFlags(test: Command, env: Readonly<Record<string, string | undefined>>): void {
  const own = [
    new Option("-u, --update", "write goldens anew, and remove what no test uses"),
    new Option("--reporter <kind>", "how the results are told").choices(REPORTERS).default("default"),
    new Option("--concurrency <count>", "tests at once (default: as many as there are processors)").argParser(
      parseCount,
    ),
  ];
  for (const option of own) test.addOption(option.helpGroup("Tests:"));
  addRunFlags(test, env, { groups: GROUPS, without: OTHER_FLAGS });
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a number from 1 to 9999.");
}
