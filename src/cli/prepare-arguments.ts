import type { Command, Option } from "commander";
import { EVENTS_ON_STDERR } from "./event-log.ts";

export interface PreparedArguments {
  args: string[];
  /** Is `--json` among the command's own options? Known before they are parsed, for errors in them. */
  json: boolean;
}

function takesNext(arg: string, options: readonly Option[]): boolean {
  return options.some(({ required, short, long }) => required && (arg === short || arg === long));
}

function takesNoneOrOne(arg: string, options: readonly Option[]): boolean {
  return options.some(({ optional, long }) => optional && arg === long);
}

/**
 * Readies the arguments for the parser: a bare `--events` among the command's own options means stderr, a bare
 * `--allow-read` any file, and neither takes the script for its value. Nothing after the script is looked at: that is the script's.
 */
export function prepareArguments(args: readonly string[], commands: readonly Command[]): PreparedArguments {
  const prepared = [...args];
  let found = commands.find((command) => command.name() === args[0]);
  let first = 1;
  for (let inner = found; inner !== undefined && inner.commands.length > 0; first++) {
    inner = inner.commands.find((command) => command.name() === args[first]);
    found = inner ?? found;
  }
  const options = found?.options ?? [];
  let json = false;
  for (let i = first; i < prepared.length; i++) {
    const arg = prepared[i]!;
    if (arg === "-" || arg === "--" || !arg.startsWith("-")) break;
    if (arg === "--json") json = true;
    if (arg === "--events") prepared[i] = `--events=${EVENTS_ON_STDERR}`;
    if (/^--allow-\w+$/.test(arg) && takesNoneOrOne(arg, options)) prepared[i] = `${arg}=true`;
    if (takesNext(arg, options)) i++;
  }
  return { args: prepared, json };
}
