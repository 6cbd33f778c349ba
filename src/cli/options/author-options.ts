import type { Command } from "commander";
import type { CheckOptions } from "../commands/check-command.ts";
import { addRunFlags } from "./run-flags.ts";

/**
 * Adds the commands for authors of scripts: `init`, `check`. They are loaded when they run.
 *
 * @param args the command line's: there are so many options that making them for nobody can be felt
 */
export function addAuthorCommands(program: Command, args: readonly string[]): Command[] {
  return [addInit(program), addCheck(program, args.includes("check"))];
}

function addInit(program: Command): Command {
  return program
    .command("init")
    .description("make a project: a script, its test, settings and types")
    .argument("[dir]", "the folder; it is made where there is none (default: the folder that you are in)")
    .action(async (dir: string | undefined) => {
      const { initCommand } = await import("../commands/init-command.ts");
      await initCommand(dir);
    });
}

function addCheck(program: Command, isCalled: boolean): Command {
  const check = program
    .command("check")
    .description("say what is wrong with scripts, and run nothing of them: syntax, imports, permissions, types")
    .argument("<scripts...>", "files; - is stdin")
    .optionsGroup("Input and output:")
    .option("--json", "as one JSON document, for programs")
    .action(async (scripts: string[], options: CheckOptions) => {
      const { checkCommand } = await import("../commands/check-command.ts");
      await checkCommand(scripts, options);
    });
  return isCalled ? addRunFlags(check, process.env, { groups: ["Model", "Permissions"] }) : check;
}
