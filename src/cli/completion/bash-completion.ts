import type { CommandWords } from "./command-words.ts";

/** What bash runs to complete the command line. */
export function bashCompletion(commands: readonly CommandWords[]): string {
  const cases = commands.map(({ path, flags, commands: own, words, takesFiles }) => {
    const names = [...own.map(({ name }) => name), ...words];
    const long = flags.flatMap(({ short, long: name }) => (short === undefined ? [name] : [short, name]));
    return `    "${path}") flags="${long.join(" ")}"; words="${names.join(" ")}"; files=${takesFiles ? 1 : 0} ;;`;
  });
  const values = commands.flatMap(({ path, flags }) =>
    flags.flatMap(({ short, long, takesValue, choices }) => {
      if (!takesValue) return [];
      const names = [long, ...(short === undefined ? [] : [short])].map((name) => `"${path} ${name}"`).join("|");
      const reply =
        choices.length === 0 ? "compopt -o default" : `COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$cur"))`;
      return [`    ${names}) ${reply}; return ;;`];
    }),
  );
  const paths = commands.map(({ path }) => path).filter((path) => path !== "");
  return `# bash completion of geppetto-js: eval "$(geppetto-js completion bash)"
_geppetto_js() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" flags="" words="" files=0 i next
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${path:+$path }\${COMP_WORDS[i]}"
    case "$next" in
    ${paths.map((path) => `"${path}"`).join("|")}) path="$next" ;;
    esac
  done
  case "$path $prev" in
${values.join("\n")}
  esac
  case "$path" in
${cases.join("\n")}
  esac
  if [[ "$cur" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if ((files)); then compopt -o default; fi
}
complete -F _geppetto_js geppetto-js
`;
}
