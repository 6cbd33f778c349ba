import {
  type Config,
  loadConfig,
  readScriptOptions,
  type ScriptOptionsLiteral,
  SETTING_BY_PATH,
  type Settings,
  UNTRUSTED_LIMITS,
} from "../../config.ts";
import { ENGINE_LIMITS, type EngineLimits } from "../../index.ts";
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
  { isForShow, cwd }: { isForShow?: true; cwd?: string } = {},
): Promise<Config> {
  const flags = Object.fromEntries(Object.entries(given).filter(([key]) => SETTING_BY_PATH.has(key)));
  try {
    return await loadConfig({
      env: process.env,
      profile,
      model,
      set,
      untrusted,
      isForShow,
      ...(cwd === undefined ? {} : { cwd }),
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

/** What every script on the command line is bounded by, and whatever else is bounded. */
export type ScriptLimits = Partial<EngineLimits> & Pick<Settings["limits"], "wallMs" | "memoryMB">;

/** The engine's limits among the settings, for untrusted scripts no larger than theirs; the rest is the budget's. */
export function limitsOf(settings: Settings["limits"], untrusted = false): ScriptLimits {
  const limits = Object.fromEntries(Object.entries(settings).filter(([name]) => ENGINE_LIMITS.has(name)));
  if (untrusted) {
    for (const [name, most] of Object.entries(UNTRUSTED_LIMITS)) limits[name] = Math.min(limits[name] ?? most, most);
  }
  return limits as ScriptLimits;
}
