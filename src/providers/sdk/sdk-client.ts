import type Anthropic from "@anthropic-ai/sdk";
import type OpenAI from "openai";
import { GeppettoError } from "../../shared/errors.ts";
import { HEADER_VALUE, headersProblem } from "../../shared/values/header-text.ts";
import type { ErrorOrigin } from "../provider-error.ts";
import { withoutSdkEnvironment } from "./sdk-environment.ts";
import type { ResolvedSettings } from "../settings.ts";
import type { Fetch } from "./watched-fetch.ts";

/** Local servers ignore the key, but the SDKs insist on one. */
const DUMMY_KEY = "no-key";

/** Loads OpenAI's SDK on first use; the client has what `settings` say and nothing from the environment. */
export async function createOpenAIClient(settings: ResolvedSettings, fetch: Fetch): Promise<OpenAI> {
  const apiKey = requireKey(settings);
  const { OpenAI: Client } = await import("openai");
  return withoutSdkEnvironment(() => new Client({ ...clientOptions(settings, fetch), apiKey }));
}

/** The same for Anthropic's SDK. */
export async function createAnthropicClient(settings: ResolvedSettings, fetch: Fetch): Promise<Anthropic> {
  const apiKey = requireKey(settings);
  const { Anthropic: Client } = await import("@anthropic-ai/sdk");
  return withoutSdkEnvironment(() => new Client({ ...clientOptions(settings, fetch), apiKey, openTelemetry: false }));
}

export function errorOriginOf(settings: ResolvedSettings): ErrorOrigin {
  const { provider, apiKey, baseURL, isVendorURL, headers, keyHint } = settings;
  const address = baseURL && !isVendorURL ? [baseURL, new URL(baseURL).host] : [];
  return { provider, keyHint, secrets: [...(apiKey ? [apiKey] : []), ...Object.values(headers ?? {}), ...address] };
}

function requireKey(settings: ResolvedSettings): string {
  const { provider, apiKey = "", keyHint, headers = {} } = settings;
  if (!HEADER_VALUE.test(apiKey)) {
    const text = `${provider}: invalid api key: no header of HTTP can hold it; ${keyHint}`;
    throw new GeppettoError("ProviderError", text, { code: "ERR_INVALID_KEY" });
  }
  const unfit = headersProblem(headers);
  if (unfit !== undefined)
    throw new GeppettoError("ConfigError", `Cannot call ${provider}: ${unfit}`, { code: "ERR_CONFIG_VALUE" });
  if (apiKey) return apiKey;
  if (!settings.isVendorURL) return DUMMY_KEY;
  throw new GeppettoError("ConfigError", `Cannot call ${provider}: no api key, ${keyHint}`, {
    code: "ERR_MISSING_KEY",
  });
}

function clientOptions(settings: ResolvedSettings, fetch: Fetch) {
  return {
    baseURL: settings.baseURL ?? null,
    maxRetries: 0,
    timeout: settings.headerTimeoutMs,
    logLevel: "off" as const,
    fetch,
    ...(settings.headers ? { defaultHeaders: settings.headers } : {}),
  };
}
