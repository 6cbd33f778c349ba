import type { Command } from "commander";
import { ERROR_GROUPS } from "../../error-texts.ts";
import { bashCompletion } from "../completion/bash-completion.ts";
import { commandWords } from "../completion/command-words.ts";
import { fishCompletion } from "../completion/fish-completion.ts";
import { zshCompletion } from "../completion/zsh-completion.ts";

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export type Shell = keyof typeof SHELLS;

/** `geppetto-js completion <shell>`: prints what the shell runs to complete the command line. */
export function completionCommand(shell: Shell, program: Command): void {
  const codes = ERROR_GROUPS.flatMap(({ errors }) => Object.keys(errors));
  const words = { explain: codes, completion: Object.keys(SHELLS) };
  process.stdout.write(SHELLS[shell](commandWords(program, words)));
}
