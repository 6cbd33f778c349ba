import {
  type Config,
  loadConfig,
  readScriptOptions,
  type ScriptOptionsLiteral,
  SETTING_BY_PATH,
} from "../../config.ts";
import type { ScriptOptions } from "./script-options.ts";
import { withoutConfigError } from "./usage-error.ts";

/** What a session needs of the configuration. */
export type SessionSettings = Pick<Config, "settings" | "profile" | "warnings">;

/**
 * The configuration of a command from its flags, the environment, the script's options and files.
 *
 * @throws {UsageError} with the place of what is wrong.
 */
export async function loadSettings(
  { profile, model, set = [], untrusted, ...given }: Partial<ScriptOptions>,
  script?: { source: string; name: string; folder: string | undefined },
): Promise<Config> {
  const flags = Object.fromEntries(Object.entries(given).filter(([key]) => SETTING_BY_PATH.has(key)));
  try {
    return await loadConfig({
      env: process.env,
      profile,
      model,
      set,
      // Whatever files and the environment say; a flag that says otherwise is refused.
      flags: untrusted ? { isolation: "process", ...flags } : flags,
      scriptFolder: script?.folder,
      script: script && optionsOf(script),
    });
  } catch (error) {
    throw withoutConfigError(error);
  }
}

/** A classic script exports nothing. */
function optionsOf({ source, name }: { source: string; name: string }): ScriptOptionsLiteral | undefined {
  return name.endsWith(".cjs") ? undefined : readScriptOptions(source, name);
}
