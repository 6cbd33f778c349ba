import type { Command, Option } from "commander";

/** A flag as a shell completes it. */
export interface FlagWords {
  short?: string;
  long: string;
  description: string;
  /** Does a value follow it? */
  takesValue: boolean;
  /** The values that there are, where they are few. */
  choices: readonly string[];
}

/** A command as a shell completes it. */
export interface CommandWords {
  /** "run", "runs list". */
  path: string;
  description: string;
  flags: FlagWords[];
  /** The names of its own commands. */
  commands: { name: string; description: string }[];
  /** Does it take files? Scripts, folders and documents are. */
  takesFiles: boolean;
  /** The words that its first argument can be. */
  words: readonly string[];
}

const FILE_ARGUMENT = /script|file|folder|path|dir/;

/** All commands of a program, with the program itself first, under the path "". */
export function commandWords(program: Command, words: Readonly<Record<string, readonly string[]>>): CommandWords[] {
  const found: CommandWords[] = [];
  const visit = (command: Command, path: string): void => {
    const { commands, options, registeredArguments } = command;
    found.push({
      path,
      description: command.description(),
      flags: [...options.map(toFlag), HELP].filter((flag): flag is FlagWords => flag !== undefined),
      commands: commands.map((own) => ({ name: own.name(), description: own.description() })),
      takesFiles: path === "" || registeredArguments.some((argument) => FILE_ARGUMENT.test(argument.name())),
      words: words[path] ?? [],
    });
    for (const own of commands) visit(own, path === "" ? own.name() : `${path} ${own.name()}`);
  };
  visit(program, "");
  return found;
}

const HELP: FlagWords = { short: "-h", long: "--help", description: "show help", takesValue: false, choices: [] };

function toFlag({ short, long, description, required, optional, argChoices, hidden }: Option): FlagWords | undefined {
  if (hidden || long === undefined || long === "--help") return undefined;
  return {
    ...(short === undefined ? {} : { short }),
    long,
    description: firstSentence(description),
    // A value that may be left out comes with =.
    takesValue: required && !optional,
    choices: argChoices ?? [],
  };
}

/** A shell shows one line. */
function firstSentence(text: string): string {
  return text.split(/[;:(]/)[0]!.trim();
}
