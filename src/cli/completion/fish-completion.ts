import type { CommandWords } from "./command-words.ts";

/** What fish runs to complete the command line. */
export function fishCompletion(commands: readonly CommandWords[]): string {
  const lines = commands.flatMap(({ path, flags, commands: own, words, takesFiles }) => {
    const when = conditionOf(path, commands);
    const of = (...parts: string[]): string => ["complete -c geppetto-js", `-n ${quoted(when)}`, ...parts].join(" ");
    return [
      ...own.map(({ name, description }) => of("-f", `-a ${quoted(name)}`, `-d ${quoted(description)}`)),
      ...(words.length === 0 ? [] : [of("-f", `-a ${quoted(words.join(" "))}`)]),
      ...(takesFiles ? [of("-F")] : []),
      ...flags.map(({ short, long, description, takesValue, choices }) =>
        of(
          `-l ${long.slice(2)}`,
          ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
          ...(takesValue ? ["-r"] : []),
          ...(choices.length === 0 ? [] : ["-f", `-a ${quoted(choices.join(" "))}`]),
          `-d ${quoted(description)}`,
        ),
      ),
    ];
  });
  return [
    "# fish completion of geppetto-js: geppetto-js completion fish | source",
    "complete -c geppetto-js -f",
    ...lines,
    "",
  ].join("\n");
}

/** When the line has come to this command and to none of its own. */
function conditionOf(path: string, commands: readonly CommandWords[]): string {
  const own = commands.find((command) => command.path === path)!.commands.map(({ name }) => name);
  const seen = path.split(" ").filter((name) => name !== "");
  const parts = seen.map((name) => `__fish_seen_subcommand_from ${name}`);
  if (own.length > 0) parts.push(`not __fish_seen_subcommand_from ${own.join(" ")}`);
  return parts.length === 0 ? "true" : parts.join("; and ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
