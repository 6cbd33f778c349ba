/** How a value is written and read; `KINDS` has a reader for each. */
export type Kind =
  | "text"
  | "texts"
  | "provider"
  | "secret"
  | "url"
  | "headers"
  | "prices"
  | "secrets"
  | "mcpServers"
  | "fraction"
  | "temperature"
  | "amount"
  | "count"
  | "countOrNone"
  | "integer"
  | "boolean"
  | "duration"
  | "pause"
  | "milliseconds"
  | "size"
  | "files"
  | "modules"
  | "hosts"
  | "variables"
  | "servers"
  | "countThreshold"
  | "amountThreshold"
  | "timeThreshold"
  | "timesThreshold";

/** Headings of `run --help`, in their order. */
export const FLAG_GROUPS = [
  "Model",
  "Input and output",
  "Limits",
  "Permissions",
  "Isolation",
  "Reproducing",
  "Lasting",
  "Debugging",
] as const;

export type FlagGroup = (typeof FLAG_GROUPS)[number];

/** A flag of the commands that run scripts. Its variable is `GEPPETTO_` and its name, where there is one. */
export interface Flag {
  name: `--${string}`;
  short?: `-${string}`;
  /** What follows it: `<time>`; `[paths]` where it may stand alone. Without it the flag is a switch. */
  takes?: `<${string}>` | `[${string}]`;
  group: FlagGroup;
}

/**
 * How a value meets one that counts less. "replace" puts it aside; "by key" adds to it. The others hold for scripts, which
 * can only tighten what holds without them: "minimum" keeps the smaller number, "subset" what both allow,
 * `strictestFirst` the earlier name of the two. "all": the values are lists, and what any layer says counts.
 */
export type Merge =
  | "replace"
  | "by key"
  | "all"
  | "minimum"
  | "subset"
  | { readonly strictestFirst: readonly string[] };

/** One setting: all that is said about it, anywhere. */
export interface Setting {
  /** A list is a choice of names. */
  kind: Kind | readonly string[];
  /** One line for `--help` and for the documentation. */
  help: string;
  /** What counts where nobody says anything, as a user would write it. */
  default?: string;
  /** What the program does then, where the settings hold nothing: a value, or words such as "no limit". */
  implied?: string;
  flag?: Flag;
  /** Its name inside the program and in the library, where that differs from its path: "limits.wallMs". */
  inside?: string;
  /** Default "replace". */
  merge?: Merge;
  /**
   * Who may say it. "user": the user alone, by flags, variables, their own file and files that they have trusted.
   * "folder": the `geppetto.yaml` of a folder as well. Default: a script, too.
   */
  saidBy?: "user" | "folder";
  /** What it goes with: another provider does not take it over. What goes with an endpoint follows to no other address either. */
  boundTo?: "provider" | "endpoint";
}

/** A flag that is not a setting. */
export interface RunOption {
  flag: Flag;
  help: string;
  /** How its text is read; default as it is. */
  kind?: "model" | "assignments" | "pairs" | "integer" | "moment";
  /** The texts that it takes, where they are few. */
  choices?: readonly string[];
  /** Is there no variable for it? */
  flagOnly?: true;
  /** Options, by their keys in the table, that it cannot be used with. */
  conflicts?: readonly string[];
}
