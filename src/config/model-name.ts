import { closestName } from "../shared/closest-name.ts";
import { PROVIDER_ALIASES, PROVIDER_NAMES } from "../providers/vendors.ts";
import { configError } from "./config-error.ts";
import type { SettingValues } from "./read-settings.ts";

const NAMES = [...PROVIDER_NAMES, ...PROVIDER_ALIASES.keys()];

/**
 * `provider:model`, a provider alone, or a model alone (also one with a colon in it, such as `llama3:8b`), as settings of
 * `chat`.
 *
 * @throws {GeppettoError} ConfigError where what stands before the colon looks like a provider but is not one.
 */
export function parseModelName(text: string, label: string): SettingValues {
  const at = text.indexOf(":");
  const head = (at < 0 ? text : text.slice(0, at)).trim();
  const isProvider = NAMES.includes(head.toLowerCase());
  const close = at >= 0 && !isProvider ? closestName(head, NAMES) : undefined;
  if (close !== undefined)
    throw configError(label, `there is no provider "${head}", did you mean "${close}"?`, "ERR_UNKNOWN_PROVIDER");
  const model = isProvider ? (at < 0 ? "" : text.slice(at + 1).trim()) : text.trim();
  if ((at >= 0 && isProvider && model === "") || text.trim() === "") {
    throw configError(label, "expected provider:model, for example embedded:demo", "ERR_CONFIG_VALUE");
  }
  const values: SettingValues = new Map();
  if (isProvider) values.set("chat.provider", { value: head.toLowerCase(), place: label });
  if (model !== "") values.set("chat.model", { value: model, place: label });
  return values;
}
