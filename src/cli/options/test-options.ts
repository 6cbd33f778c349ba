import { InvalidArgumentError, Option, type Command } from "commander";
import type { TestOptions } from "../commands/test/test-command.ts";
import { REPORTERS } from "../commands/test/reporter-names.ts";
import { addRunFlags } from "./run-flags.ts";

/** What the tests have in common with `run`. */
const GROUPS = ["Model", "Limits", "Permissions", "Isolation"] as const;
/** Tests at once are another thing; the setting can still be set. */
const OWN_FLAGS = ["limits.concurrency"];

/** Adds `test`. It is loaded when it runs. */
export function addTestCommand(program: Command, env: Readonly<Record<string, string | undefined>>): Command {
  const test = program
    .command("test")
    .description("compare what scripts print with their .golden files, and with their .test.yaml")
    .argument("[paths...]", "scripts, and folders that hold them (default: this folder)")
    .addOption(new Option("-u, --update", "write goldens anew, and remove what no test uses").helpGroup("Tests:"))
    .addOption(
      new Option("--reporter <kind>", "how the results are told")
        .choices(REPORTERS)
        .default("default")
        .helpGroup("Tests:"),
    )
    .addOption(
      new Option("--concurrency <count>", "tests at once (default: as many as there are processors)")
        .argParser(parseCount)
        .helpGroup("Tests:"),
    )
    .addOption(
      new Option("--seed <number>", "of Math.random, ids and crypto (default: 1)")
        .argParser(parseSeed)
        .helpGroup("Tests:"),
    )
    .addOption(
      new Option("--now <time>", "when the clock of scripts begins (default: 2026-01-01T00:00:00Z)")
        .argParser(parseTime)
        .helpGroup("Tests:"),
    )
    .action(async (paths: string[], options: TestOptions) => {
      const { testCommand } = await import("../commands/test/test-command.ts");
      await testCommand(paths, options);
    });
  return addRunFlags(test, env, { groups: GROUPS, without: OWN_FLAGS });
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a number from 1 to 9999.");
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(seed)) return seed;
  throw new InvalidArgumentError("Expected a whole number from 0.");
}

function parseTime(text: string): string {
  if (/^\d{4}-\d\d-\d\d(T|$)/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError("Expected a time as in 2026-01-01T00:00:00Z.");
}
