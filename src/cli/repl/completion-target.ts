/** What is to be completed at the end of a line. */
export interface CompletionTarget {
  /** The names before the last dot: what the members are of; none for globals. */
  path: string[];
  /** What the name begins with. */
  prefix: string;
}

const NAME = String.raw`[A-Za-z_$][\w$]*`;
const END = new RegExp(String.raw`(?:${NAME}\s*\??\.\s*)*(?:${NAME})?$`);

/** The name, or the path of names, that a line ends in; undefined where it ends in something else. */
export function completionTarget(line: string): CompletionTarget | undefined {
  const [found = ""] = END.exec(line.slice(-1000)) ?? [];
  const before = line.slice(0, line.length - found.length);
  // A member of what is not a path of names, such as that of a call, or a part of a number.
  if (/\.\s*$|[\w$]$/.test(before.replace(/\.\.\.\s*$/, ""))) return undefined;
  const names = found.split(/\s*\??\.\s*/);
  const prefix = names.pop() ?? "";
  return { path: names, prefix };
}
