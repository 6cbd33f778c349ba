import type { Command, Option } from "commander";
import { EVENTS_ON_STDERR } from "../session/event-log.ts";

/** What a flag that stands alone means, where that is not "true". */
export const BARE_VALUES: Readonly<Record<string, string>> = { "--events": EVENTS_ON_STDERR };

export interface PreparedArguments {
  args: string[];
  /** Is one document wanted, by `--json` or its variable? Known before the options are parsed, for errors in them. */
  json: boolean;
  /** What `--id` says, likewise. */
  id: string | undefined;
}

function takesNext(arg: string, options: readonly Option[]): boolean {
  return options.some(({ required, short, long }) => required && (arg === short || arg === long));
}

function takesNoneOrOne(arg: string, options: readonly Option[]): boolean {
  return options.some(({ optional, long }) => optional && arg === long);
}

/**
 * Readies the arguments for the parser: a bare `--events` among the command's own options means stderr, a bare
 * `--allow-read` any file, and neither takes the script for its value. Nothing after the script of `run` is looked at:
 * that is the script's.
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
  let json = options.some(({ long, envVar }) => long === "--json" && envVar !== undefined);
  let id: string | undefined;
  for (let i = first; i < prepared.length; i++) {
    const arg = prepared[i]!;
    const isOperand = arg === "-" || !arg.startsWith("-");
    if (arg === "--" || (isOperand && found?.name() === "run")) break;
    if (arg === "--json") json = true;
    if (arg.startsWith("--id=")) id = arg.slice("--id=".length);
    if (arg === "--id") id = prepared[i + 1];
    if (takesNoneOrOne(arg, options)) prepared[i] = `${arg}=${BARE_VALUES[arg] ?? "true"}`;
    if (takesNext(arg, options)) i++;
  }
  return { args: prepared, json, id };
}

/**
 * The arguments without a flag of the command's own, as they are handed on to another process.
 *
 * @example
 * withoutFlag(["run", "--watch", "a.js", "--watch"], "--watch", runCommand); // ["run", "a.js", "--watch"]
 */
export function withoutFlag(args: readonly string[], flag: string, command: Command): string[] {
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const isOperand = arg === "-" || !arg.startsWith("-");
    if (arg === "--" || (i > 0 && isOperand && command.name() === "run")) return [...kept, ...args.slice(i)];
    if (arg !== flag) kept.push(arg);
    if (takesNext(arg, command.options)) kept.push(...args.slice(++i, i + 1));
  }
  return kept;
}

/**
 * The flags of a command among a script's own arguments, as the command calls them. Whoever writes `--` before them
 * means them for the script.
 *
 * @example
 * strayFlags(["in.txt", "--json"], [new Option("--json")]); // ["--json"]
 */
export function strayFlags(args: readonly string[], options: readonly Option[]): string[] {
  const end = args.indexOf("--");
  const given = args.slice(0, end < 0 ? undefined : end).map((arg) => arg.replace(/=.*/s, ""));
  const known = options.flatMap(({ short, long }) => [short, long]);
  return [...new Set(given)].filter((arg) => known.includes(arg));
}
