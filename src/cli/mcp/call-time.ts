import type { Config } from "../../config.ts";

/** Most clients give a call up after a minute. */
export const CALL_SECONDS = 50;

/** Where nobody says how long code may take, it ends before clients give its call up, and says why. */
export function withCallTime({ settings, origins, warnings }: Config): Pick<Config, "settings" | "warnings"> {
  if (origins.get("limits.timeout")?.kind !== "default") return { settings, warnings };
  return { settings: { ...settings, limits: { ...settings.limits, wallMs: CALL_SECONDS * 1_000 } }, warnings };
}
