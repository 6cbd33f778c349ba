import type { Option } from "commander";

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
