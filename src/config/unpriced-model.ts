import { DEFAULT_CHAT_MODELS, priceOf } from "../providers/index.ts";
import type { Settings } from "./settings.ts";

/** The model in use, where it costs something and nobody has said what: a limit on cost refuses each request to it. */
export function unpricedModel({ chat }: Pick<Settings, "chat">): string | undefined {
  const provider = chat.provider === "claude" ? "anthropic" : chat.provider;
  if (provider === "embedded") return undefined;
  const model = chat.model ?? DEFAULT_CHAT_MODELS[provider as keyof typeof DEFAULT_CHAT_MODELS];
  return priceOf(model, chat.prices ?? {}) === undefined ? model : undefined;
}
