import { GeppettoError } from "../shared/errors.ts";
import { closestName } from "../shared/closest-name.ts";
import { isObject } from "../shared/is-object.ts";
import { refuseWrong, type FieldsOf } from "../shared/wrong-option.ts";
import { PROVIDER_ALIASES, PROVIDER_NAMES, VENDORS, type ProviderName, type VendorName } from "./vendors.ts";
import type { OneModelChat, ReasoningOptions } from "./chat-provider.ts";
import type { PriceTable } from "./cost/price-table.ts";
import { checkRetry, type RetryOptions } from "./retry-policy.ts";

/** One model as a profile names it. Everything but `provider` has a default. */
export interface ModelSettings {
  /** "embedded", "openai", "anthropic" or its alias "claude". */
  provider: string;
  model?: string;
  /** Which of OpenAI's two ways to chat: "chat" (default), which compatible servers speak too, or "responses". */
  api?: "chat" | "responses";
  /** The key itself, or `env:NAME`; `key:NAME` stands for one that the keys file does not have. */
  apiKey?: string;
  baseURL?: string;
  /** Sent with every request. */
  headers?: Record<string, string>;
  temperature?: number;
  maxTokens?: number;
  topP?: number;
  stop?: string[];
  seed?: number;
  system?: string;
  reasoning?: ReasoningOptions;
  /** Length of embedding vectors; asked of the provider when given. */
  dimensions?: number;
  /** Texts in one request for embeddings; default 256. */
  batchSize?: number;
  /** Requests for embeddings that are under way at once; default 4. */
  maxConcurrency?: number;
  /** Vectors kept in memory; default 1,000, 0 for none. */
  cacheEntries?: number;
  /** A folder in which vectors are kept; default none. */
  cacheFolder?: string;
  /** Default: "max_completion_tokens" for OpenAI itself, "max_tokens" elsewhere. */
  maxTokensField?: "max_tokens" | "max_completion_tokens";
  /** false for servers that refuse `stream_options`. */
  streamUsage?: boolean;
  /** Longest wait for the first byte of an answer; default 60,000. */
  headerTimeoutMs?: number;
  /** Longest wait between two bytes of an answer; default 120,000. */
  idleTimeoutMs?: number;
  retry?: RetryOptions;
  /** What tokens cost, by model; default the vendors' list prices. Without a price a message's metadata has no cost. */
  prices?: PriceTable;
  /** Pause of the demo model before each delta; default 15. */
  deltaMs?: number;
}

const MODEL_FIELDS: FieldsOf<ChatModelSettings> = {
  provider: true,
  model: true,
  api: true,
  apiKey: true,
  baseURL: true,
  headers: true,
  temperature: "amountOrNone",
  maxTokens: "count",
  topP: "amountOrNone",
  stop: true,
  seed: "integer",
  system: true,
  reasoning: true,
  dimensions: "count",
  batchSize: "count",
  maxConcurrency: "count",
  cacheEntries: "amountOrNone",
  cacheFolder: true,
  maxTokensField: true,
  streamUsage: true,
  headerTimeoutMs: "milliseconds",
  idleTimeoutMs: "milliseconds",
  retry: true,
  prices: true,
  deltaMs: "pause",
};

/** The same for a chat that may also be answered by a provider of the host's own, such as `aiSdk(model)` gives. */
export interface ChatModelSettings extends Omit<ModelSettings, "provider"> {
  provider: string | OneModelChat;
}

/** The settings where a provider of the host's own answers. */
export type OwnChatSettings = Omit<ModelSettings, "provider"> & { provider: OneModelChat };

/** Does a provider of the host's own answer? */
export function hasOwnProvider(settings: ChatModelSettings): settings is OwnChatSettings {
  return typeof settings.provider !== "string";
}

/** @throws {GeppettoError} ConfigError for settings that would be overlooked, and for numbers that cannot be. */
export function checkModelSettings(settings: ChatModelSettings): void {
  const given: unknown = settings;
  if (!isObject(given)) {
    const example = '{ provider: "openai", model: "gpt-5-mini" }';
    throw new GeppettoError("ConfigError", `Cannot use the model: its settings must be an object such as ${example}`);
  }
  const { retry, reasoning } = settings;
  refuseWrong("use the model", settings, MODEL_FIELDS);
  checkRetry(retry);
  if (reasoning !== undefined) refuseWrong("use the model's reasoning", reasoning, REASONING_FIELDS);
}

export type Environment = Record<string, string | undefined>;

/** {@link ModelSettings} with provider, model and address settled; `apiKey` is absent where none is to be had. */
export interface ResolvedSettings extends Omit<ModelSettings, "provider" | "apiKey" | "baseURL"> {
  provider: ProviderName;
  apiKey?: string;
  /** Absent for the embedded provider. */
  baseURL?: string;
  isVendorURL: boolean;
  /** The address is this machine's own. */
  isLocal: boolean;
  /** What a missing or refused key is best answered with. */
  keyHint: string;
  headerTimeoutMs: number;
  idleTimeoutMs: number;
}

const REASONING_FIELDS: FieldsOf<ReasoningOptions> = { effort: true, budgetTokens: "count" };
const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\])$/;
const DEFAULT_HEADER_TIMEOUT_MS = 60_000;
const DEFAULT_IDLE_TIMEOUT_MS = 120_000;

/**
 * Settles provider, address and key; never throws for a missing key. A key from the environment goes only to the
 * vendor's own address or to one that comes from the environment too: settings in some folder must not be able to
 * send it elsewhere. `apiKey: "env:NAME"` sends one on purpose. Throws a `ConfigError` for an unknown provider or an
 * invalid base URL.
 *
 * @example
 * resolveProviderSettings({ provider: "claude" }, { ANTHROPIC_API_KEY: "k" }).provider; // "anthropic"
 */
export function resolveProviderSettings(settings: ModelSettings, env: Environment): ResolvedSettings {
  checkModelSettings(settings);
  const provider = providerNameOf(settings.provider);
  const { apiKey: _key, baseURL: _url, ...rest } = settings;
  const common = {
    ...rest,
    provider,
    headerTimeoutMs: settings.headerTimeoutMs ?? DEFAULT_HEADER_TIMEOUT_MS,
    idleTimeoutMs: settings.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
  };
  if (provider === "embedded") return { ...common, isVendorURL: true, isLocal: true, keyHint: "" };

  const vendor = VENDORS[provider];
  const ownURL = settings.baseURL?.trim();
  const baseURL = normalizeBaseURL(provider, ownURL || env[vendor.baseURLVariable]?.trim() || vendor.baseURL);
  const isVendorURL = baseURL === vendor.baseURL;
  const mayUseEnvironmentKey = isVendorURL || !ownURL;
  // Who names a key gets that one or none.
  const apiKey = settings.apiKey
    ? readKey(settings.apiKey, env)
    : mayUseEnvironmentKey
      ? env[vendor.keyVariable]?.trim()
      : undefined;
  return {
    ...common,
    baseURL,
    isVendorURL,
    isLocal: LOOPBACK.test(new URL(baseURL).hostname),
    keyHint: keyHint(settings.apiKey, apiKey, vendor, isVendorURL),
    ...(apiKey ? { apiKey } : {}),
  };
}

function providerNameOf(given: string): ProviderName {
  const name = given.trim().toLowerCase();
  const known = PROVIDER_ALIASES.get(name) ?? PROVIDER_NAMES.find((candidate) => candidate === name);
  if (known) return known;
  const close = closestName(name, [...PROVIDER_NAMES, ...PROVIDER_ALIASES.keys()]);
  throw new GeppettoError(
    "ConfigError",
    `Cannot use provider "${given}": it must be one of ${PROVIDER_NAMES.join(", ")}${close ? `, did you mean "${close}"?` : ""}`,
    { code: "ERR_UNKNOWN_PROVIDER" },
  );
}

function normalizeBaseURL(provider: VendorName, given: string): string {
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol)) {
    throw new GeppettoError(
      "ConfigError",
      `Cannot use provider "${provider}": its base URL must be an http or https URL`,
      {
        code: "ERR_BASE_URL",
      },
    );
  }
  const trimmed = given.trim().replace(/\/+$/, "");
  return VENDORS[provider].addsVersion ? trimmed.replace(/\/v1$/, "") : trimmed;
}

function readKey(given: string | undefined, env: Environment): string | undefined {
  if (given?.startsWith("key:")) return undefined;
  const key = given?.startsWith("env:") ? env[given.slice(4).trim()] : given;
  // A key that was read from a file ends with a newline, which no header takes.
  return key?.trim() || undefined;
}

function keyHint(
  given: string | undefined,
  found: string | undefined,
  vendor: (typeof VENDORS)[VendorName],
  isVendorURL: boolean,
): string {
  if (given?.startsWith("env:")) return `set ${given.slice(4)} to a valid key`;
  if (given?.startsWith("key:")) return `store one with: geppetto-js keys set ${given.slice(4)}`;
  if (given) return "check apiKey in the settings";
  if (found || isVendorURL) return `set ${vendor.keyVariable} to a valid key`;
  return `no key was sent, set apiKey: env:${vendor.keyVariable} in the settings to send one to this base URL`;
}
