import { parseChatInput, parseChatOptions } from "../../providers/input/chat-input.ts";
import {
  type ChatModelSettings,
  type Environment,
  hasOwnProvider,
  type ModelSettings,
  resolveProviderSettings,
} from "../../providers/settings.ts";
import { withImages } from "../../steps/chat-step.ts";
import { hashParts } from "./hash-parts.ts";
import { canonicalJson } from "../tagged-json.ts";

/** What makes two runs of a step the same: 64 hex digits; undefined for an input whose runs are not kept. */
export type CacheKey = (input: unknown) => string | undefined | Promise<string | undefined>;

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
  "isLocal",
  "prices",
  "dimensions",
]);

/**
 * The key of a chat step: SHA-256 over provider, address, model, every option that is set, here or by the host, and the
 * messages in the one form that all inputs are brought to, so that a conversation and the list of its messages are the
 * same. Keys and headers are not part of it. Provider and model that the input names count before the settings'. A
 * `key` stands for the input, options and all. `resolveImage` gives the URL behind what stands for one in a message.
 */
export function chatCacheKey(
  settings: ChatModelSettings,
  env: Environment = {},
  { resolveImage }: { resolveImage?: (url: string) => string } = {},
): (input: unknown, key?: string) => Promise<string> {
  return async (input, key) => {
    const { options: given, input: prompt } = (input ?? {}) as { options?: unknown; input?: unknown };
    const options = await parseChatOptions(given);
    const parsed = key === undefined ? await parseChatInput(prompt) : { options: {}, messages: [] };
    const { provider, model, ...chosen } = { ...options, ...parsed.options };
    const own = hostOf(settings, env);
    const isOwn = provider === undefined || provider === own.provider;
    const name = isOwn ? own.provider : resolveProviderSettings({ provider }, {}).provider;
    // The host's settings are for its own provider.
    const host = name === own.provider ? own : resolveProviderSettings({ provider: name }, env);
    const relevant = Object.entries(host).filter(
      ([setting]) => !IRRELEVANT.has(setting) && setting !== "provider" && setting !== "model",
    );
    const all = { ...Object.fromEntries(relevant), ...chosen };
    const asked = key === undefined ? canonicalJson(withImages(parsed.messages, resolveImage)) : `key ${key}`;
    return hashParts(["chat", name, model ?? host.model ?? "", canonicalJson(all), asked]);
  };
}

/** The host's settings, with the name of who answers. */
function hostOf(settings: ChatModelSettings, env: Environment): ModelSettings {
  if (!hasOwnProvider(settings)) return resolveProviderSettings(settings as ModelSettings, env);
  const { provider: own, ...rest } = settings;
  return { ...rest, provider: own.name, model: own.model };
}
