import { type Settings, UNTRUSTED_LIMITS } from "../../config.ts";
import { ENGINE_LIMITS, type EngineLimits } from "../../index.ts";

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
