import type { FlagPath } from "../../config.ts";

/** What chooses settings. */
export interface ModelOptions {
  profile?: string;
  /** `provider:model`. */
  model?: string;
  /** `path=value`, each. */
  set?: string[];
}

/** Flags that are settings, by the path of the setting. */
export type SettingFlags = { [Path in FlagPath]?: unknown };

/** The options that `run` and `eval` share; the table of run options has their flags. */
export interface ScriptOptions extends ModelOptions, SettingFlags {
  env?: Record<string, string>;
  input?: string;
  json?: true;
  /** A file, or "-" for stderr. */
  events?: string;
  stats?: true;
  quiet?: true;
  verbose?: true;
  untrusted?: true;
  /** A cassette that answers are added to. */
  record?: string;
  /** A cassette that answers are taken from. */
  replay?: string;
  /** Is the run to be kept in the log of runs? */
  log: boolean;
}
