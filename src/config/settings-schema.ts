import * as types from "./setting-types.ts";
import type { SettingType } from "./setting-types.ts";

const MODEL: Record<string, SettingType> = {
  provider: types.provider,
  model: types.text,
  apiKey: types.secretText,
  baseURL: types.url,
  headers: types.headers,
  headerTimeoutMs: types.milliseconds,
  idleTimeoutMs: types.milliseconds,
};

/** Every setting by its section and name: of profiles, configuration files, `--set` and a script's options alike. */
export const SECTIONS: Readonly<Record<string, Readonly<Record<string, SettingType>>>> = {
  chat: {
    ...MODEL,
    api: types.choice("chat", "responses"),
    temperature: types.temperature,
    maxTokens: types.count,
    topP: types.fraction,
    stop: types.texts,
    seed: types.integer,
    system: types.text,
    maxTokensField: types.choice("max_tokens", "max_completion_tokens"),
    streamUsage: types.flag,
    deltaMs: types.milliseconds,
  },
  embeddings: {
    ...MODEL,
    dimensions: types.count,
    batchSize: types.count,
    maxConcurrency: types.count,
    cacheEntries: types.countOrNone,
    cacheFolder: types.text,
  },
  limits: {
    timeout: types.duration,
    cpu: types.duration,
    memory: types.size,
    maxCalls: types.count,
    maxTokens: types.count,
    maxCost: types.amount,
    concurrency: types.count,
  },
  permissions: {
    read: types.allowance,
    net: types.allowance,
    env: types.allowance,
    import: types.allowance,
  },
  retry: { attempts: types.count, baseMs: types.milliseconds, maxMs: types.milliseconds },
  tools: { approve: types.choice("ask", "never", "always"), timeoutMs: types.milliseconds },
};

/** Settings that are not in a section. */
export const SINGLE: Readonly<Record<string, SettingType>> = {
  prices: types.prices,
  isolation: types.choice("process", "thread"),
};

/** The type of a setting by its path, for example "chat.model". */
export const SETTING_TYPES: ReadonlyMap<string, SettingType> = new Map([
  ...Object.entries(SECTIONS).flatMap(([section, fields]) =>
    Object.entries(fields).map(([name, type]) => [`${section}.${name}`, type] as const),
  ),
  ...Object.entries(SINGLE),
]);

/** What belongs to one provider, and must not go to another. */
export const BOUND_TO_PROVIDER: readonly string[] = [
  "model",
  "api",
  "apiKey",
  "baseURL",
  "headers",
  "maxTokensField",
  "streamUsage",
  "dimensions",
];

/** What only the host's user may say, and no script. */
export const HOST_ONLY: readonly string[] = ["apiKey", "baseURL", "headers", "cacheFolder", "prices"];
