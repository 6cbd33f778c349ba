import {
  parseChatInput,
  parseChatOptions,
  resolveProviderSettings,
  type Environment,
  type ModelSettings,
} from "../providers/index.ts";
import { hashParts } from "./hash-parts.ts";
import { canonicalJson } from "./tagged-json.ts";

/** What makes two runs of a step the same: 64 hex digits. */
export type CacheKey = (input: unknown) => string | Promise<string>;

/** The key over a step's type and its input; for steps whose results depend on nothing else. */
export function inputCacheKey(type: string): CacheKey {
  return (input) => hashParts(["step", type, canonicalJson(input)]);
}

/** Settings that say how a model is reached or waited for, not what it answers. */
const IRRELEVANT: ReadonlySet<string> = new Set([
  "apiKey",
  "headers",
  "retry",
  "headerTimeoutMs",
  "idleTimeoutMs",
  "deltaMs",
  "keyHint",
  "isVendorURL",
  "prices",
  "dimensions",
]);

/**
 * The key of a chat step: SHA-256 over provider, address, model, every option that is set, here or by the host, and the
 * messages in the one form that all inputs are brought to, so that a conversation and the list of its messages are the
 * same. Keys and headers are no part of it. Provider and model that the input names count before the settings'.
 */
export function chatCacheKey(settings: ModelSettings, env: Environment = {}): CacheKey {
  return async (input) => {
    const { options: given, input: asked } = (input ?? {}) as { options?: unknown; input?: unknown };
    const [options, parsed] = await Promise.all([parseChatOptions(given), parseChatInput(asked)]);
    const { provider, model, ...chosen } = { ...options, ...parsed.options };
    const own = resolveProviderSettings(settings, env);
    const name = provider === undefined ? own.provider : resolveProviderSettings({ provider }, {}).provider;
    // The host's settings are for its own provider.
    const host = name === own.provider ? own : resolveProviderSettings({ provider: name }, env);
    const relevant = Object.entries(host).filter(
      ([key]) => !IRRELEVANT.has(key) && key !== "provider" && key !== "model",
    );
    const all = { ...Object.fromEntries(relevant), ...chosen };
    return hashParts(["chat", name, model ?? host.model ?? "", canonicalJson(all), canonicalJson(parsed.messages)]);
  };
}
