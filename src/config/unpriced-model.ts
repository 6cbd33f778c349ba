import { priceFor } from "../providers/cost/price-table.ts";
import { type Environment, resolveProviderSettings } from "../providers/settings.ts";
import { DEFAULT_CHAT_MODELS } from "../providers/vendors.ts";
import type { Settings } from "./settings.ts";

/** The model in use, where it costs something and nobody knows what: a limit on cost refuses each request to it. */
export function unpricedModel({ chat }: Pick<Settings, "chat">, env: Environment): string | undefined {
  const { provider, model: named, prices, isLocal } = resolveProviderSettings(chat, env);
  if (provider === "embedded" || isLocal) return undefined;
  const model = named ?? DEFAULT_CHAT_MODELS[provider];
  return priceFor(model, prices) === undefined ? model : undefined;
}
