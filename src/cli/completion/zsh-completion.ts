import type { CommandWords, FlagWords } from "./command-words.ts";

/** What zsh runs to complete the command line. */
export function zshCompletion(commands: readonly CommandWords[]): string {
  const functions = commands.map((command) => functionOf(command, commands));
  return `#compdef geppetto-js
# zsh completion of geppetto-js: geppetto-js completion zsh > "\${fpath[1]}/_geppetto-js"
${functions.join("\n")}
if [ "$funcstack[1]" = "_geppetto-js" ]; then
  _geppetto_js
else
  compdef _geppetto_js geppetto-js
fi
`;
}

function nameOf(path: string): string {
  return ["_geppetto_js", ...path.split(" ").filter((part) => part !== "")].join("_");
}

function functionOf(command: CommandWords, all: readonly CommandWords[]): string {
  const { path, flags, commands, words, takesFiles } = command;
  const specs = flags.map(flagSpec);
  if (commands.length === 0) {
    const rest = words.length > 0 ? [`'1:word:(${words.join(" ")})'`] : takesFiles ? ["'*:file:_files'"] : [];
    return `${nameOf(path)}() {\n  _arguments -s ${[...specs, ...rest].join(" \\\n    ")}\n}`;
  }
  const described = commands.map(
    ({ name, description }) => `    ${quoted(`${escaped(name)}:${escaped(description)}`)}`,
  );
  const cases = commands.map(({ name }) => {
    const inner = path === "" ? name : `${path} ${name}`;
    return all.some((other) => other.path === inner) ? `      ${name}) ${nameOf(inner)} ;;` : "";
  });
  return `${nameOf(path)}() {
  local context state line
  typeset -A opt_args
  local -a commands=(
${described.join("\n")}
  )
  _arguments -C ${[...specs, "'1: :->command'", "'*:: :->rest'"].join(" \\\n    ")}
  case $state in
    command)
      _describe -t commands command commands${takesFiles ? "\n      _files" : ""} ;;
    rest)
      case $line[1] in
${cases.filter((line) => line !== "").join("\n")}
      esac ;;
  esac
}`;
}

function flagSpec({ short, long, description, takesValue, choices }: FlagWords): string {
  const value = takesValue ? `:value:${choices.length === 0 ? "_files" : `(${choices.join(" ")})`}` : "";
  const about = `[${escaped(description).replaceAll("[", "\\[").replaceAll("]", "\\]")}]${value}`;
  const one = quoted(`${long}${about}`);
  return short === undefined ? one : `${one} ${quoted(`${short}${about}`)}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll(":", "\\:");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
