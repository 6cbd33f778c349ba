import type { FlagPath, RunFlags } from "../../config.ts";

/** What chooses settings. */
export type ModelOptions = Pick<RunFlags, "profile" | "model" | "set">;

/** Flags that are settings, by the path of the setting. */
type SettingFlags = { [Path in FlagPath]?: unknown };

/** The options that `run` and `eval` share. */
export interface ScriptOptions extends RunFlags, SettingFlags {
  log: boolean;
}
