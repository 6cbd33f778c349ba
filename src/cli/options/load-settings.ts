import { type Config, loadConfig, readScriptOptions, type ScriptOptionsLiteral } from "../../config.ts";
import type { AllowOptions } from "./script-options.ts";
import type { SettingOptions } from "./setting-options.ts";
import { withoutConfigError } from "./usage-error.ts";

/** What a session needs of the configuration. */
export type SessionSettings = Pick<Config, "settings" | "profile" | "warnings">;

/**
 * The configuration of a command from its flags, the environment, the script's options and files.
 *
 * @throws {UsageError} with the place of what is wrong.
 */
export async function loadSettings(
  {
    profile,
    model,
    set = [],
    approve,
    isolation,
    untrusted,
    ...rest
  }: SettingOptions & AllowOptions & { untrusted?: true },
  script?: { source: string; name: string; folder: string | undefined },
): Promise<Config> {
  const { timeout, cpu, memory, maxCalls, maxTokens, maxCost, concurrency } = rest;
  const { allowRead, allowNet, allowEnv, allowImport } = rest;
  const flags = {
    "limits.timeout": timeout,
    "limits.cpu": cpu,
    "limits.memory": memory,
    "limits.maxCalls": maxCalls,
    "limits.maxTokens": maxTokens,
    "limits.maxCost": maxCost,
    "limits.concurrency": concurrency,
    "tools.approve": approve,
    "permissions.read": allowRead,
    "permissions.net": allowNet,
    "permissions.env": allowEnv,
    "permissions.import": allowImport,
    // Whatever files and the environment say; a flag that says otherwise is refused.
    isolation: isolation ?? (untrusted ? "process" : undefined),
  };
  try {
    return await loadConfig({
      env: process.env,
      profile,
      model,
      set,
      flags,
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
