import type { Command } from "commander";
import { addRunFlags } from "./run-flags.ts";
import type { ScriptOptions } from "./script-options.ts";

/** What statements have in common with scripts. */
const GROUPS = ["Model", "Input and output", "Limits", "Permissions", "Isolation", "Reproducing"] as const;
/** What belongs to one script that runs to its end. */
const OTHER_FLAGS = ["input", "json", "events", "stats", "record", "replay"];

/** Adds `repl`. It is loaded when it runs. */
export function addReplCommand(
  program: Command,
  env: Readonly<Record<string, string | undefined>>,
  isCalled: boolean,
): Command {
  const repl = program
    .command("repl")
    .description("run what is typed, statement by statement; piped stdin too")
    .action(async (options: ScriptOptions) => {
      const { replCommand } = await import("../repl/repl-command.ts");
      await replCommand(options);
    });
  // There are so many that making them for nobody can be felt.
  return isCalled ? addRunFlags(repl, env, { groups: GROUPS, without: OTHER_FLAGS }) : repl;
}
