import { Argument, type Command } from "commander";
import type { Shell } from "../commands/completion-command.ts";

/**
 * Adds the commands that help with the others: `explain`, `completion`.
 *
 * @param wholeProgram the program with all flags of all commands
 */
export function addHelpCommands(program: Command, wholeProgram: () => Command): Command[] {
  const explain = program
    .command("explain")
    .description("say what an error's code, or an exit code, means, and what to do")
    .argument("<code>", "such as ERR_LIMIT_WALL, or 124")
    .option("--json", "as one JSON document")
    .action(async (code: string, options: { json?: true }) => {
      const { explainCommand } = await import("../commands/explain-command.ts");
      explainCommand(code, options);
    });
  const completion = program
    .command("completion")
    .description("print what a shell runs to complete this command line")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .action(async (shell: Shell) => {
      const { completionCommand } = await import("../commands/completion-command.ts");
      completionCommand(shell, wholeProgram());
    });
  return [explain, completion];
}
