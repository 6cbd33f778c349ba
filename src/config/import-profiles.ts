import { configError } from "./config-error.ts";
import { parseYaml, yamlPackage } from "./yaml/yaml-file.ts";
import { isObject } from "../shared/is-object.ts";

/** What came of an import. */
export interface ImportedProfiles {
  /** A `geppetto.yaml` with the profiles; keys are references in it. */
  yaml: string;
  /** Names of the profiles, in their order. */
  names: string[];
  /** The keys that the file held, by the name that the profiles refer to; to be put into the keys file. */
  keys: Record<string, string>;
  /** What could not be taken over, one line each, without its values. */
  notes: string[];
}

type Fields = Record<string, unknown>;

/** Go geppetto's types of API: which provider speaks them, and where it is when it is not a vendor's own. */
const API_TYPES: Readonly<Record<string, Fields>> = {
  openai: { provider: "openai" },
  "openai-responses": { provider: "openai", api: "responses" },
  claude: { provider: "anthropic" },
  anthropic: { provider: "anthropic" },
  ollama: { provider: "openai", baseURL: "http://127.0.0.1:11434/v1" },
  mistral: { provider: "openai", baseURL: "https://api.mistral.ai/v1" },
  perplexity: { provider: "openai", baseURL: "https://api.perplexity.ai" },
  fireworks: { provider: "openai", baseURL: "https://api.fireworks.ai/inference/v1" },
  anyscale: { provider: "openai", baseURL: "https://api.endpoints.anyscale.com/v1" },
};

/** Its parameters, without the prefixes that their layer gives them, by what they are called here. */
const CHAT_FIELDS: Readonly<Record<string, string>> = {
  engine: "model",
  temperature: "temperature",
  "top-p": "topP",
  "max-response-tokens": "maxTokens",
  stop: "stop",
  seed: "seed",
};
/** What a script or a request decides here, or nobody needs to. */
const WITHOUT_MEANING = new Set(["stream", "n", "cache-type", "structured-output-mode", "user-id"]);

/**
 * Reads the two YAML formats of Go geppetto: a map of profiles with their layers (`ai-chat: {ai-engine: …}`), and a
 * registry (`slug`, `profiles` with `stack` and `runtime`), whose settings are layers or `inference_settings`.
 *
 * @throws {GeppettoError} ConfigError with the place, for a file that is neither.
 */
export function importProfiles(text: string, label: string): ImportedProfiles {
  const file = parseYaml(text, label);
  const root = record(file.value);
  const isRegistry = "slug" in root || "default_profile_slug" in root || isRegistryProfiles(root["profiles"]);
  const given = isRegistry ? record(root["profiles"]) : root;
  const importer = new Importer();
  const profiles: Fields = {};
  for (const [name, body] of Object.entries(given)) {
    if (!isObject(body)) {
      throw configError(label, `"${name}" is not a Go geppetto profile`, "ERR_CONFIG_IMPORT");
    }
    profiles[name] = isRegistry ? importer.registryProfile(name, record(body)) : importer.layers(name, record(body));
  }
  const names = Object.keys(profiles);
  if (names.length === 0) throw configError(label, "it contains no Go geppetto profiles", "ERR_CONFIG_IMPORT");
  const first = root["default_profile_slug"];
  const chosen =
    typeof first === "string" && names.includes(first) ? first : names.includes("default") ? "default" : undefined;
  const yaml = yamlPackage().stringify({ ...(chosen === undefined ? {} : { default: chosen }), profiles });
  return { yaml, names, keys: importer.keys, notes: importer.notes };
}

function isRegistryProfiles(profiles: unknown): boolean {
  return Object.values(record(profiles)).some(
    (body) => "runtime" in record(body) || "inference_settings" in record(body),
  );
}

class Importer {
  readonly keys: Record<string, string> = {};
  readonly notes: string[] = [];

  registryProfile(name: string, body: Fields): Fields {
    const { stack, runtime, inference_settings: settings, description } = body;
    const { system_prompt: system, step_settings_patch: patch, tools, middlewares } = record(runtime);
    const layers = settings === undefined ? record(patch) : toLayers(record(settings));
    const profile = this.layers(name, layers);
    const bases = (Array.isArray(stack) ? stack : []).map(record).flatMap((base) => {
      if (!base["registry_slug"]) return [String(base["profile_slug"])];
      this.#note(name, "what it builds on in another registry");
      return [];
    });
    if (tools !== undefined) this.#note(name, "tools: scripts say which they use");
    if (middlewares !== undefined) this.#note(name, "middlewares");
    return {
      ...(bases.length > 0 ? { extends: bases } : {}),
      ...(typeof description === "string" ? { description } : {}),
      ...profile,
      ...(typeof system === "string" ? { chat: { ...record(profile["chat"]), system } } : {}),
    };
  }

  /** One profile from layers: `ai-chat`, `openai-chat`, `claude-chat`, `api`, `ai-client`, `ai-inference`, `embeddings`. */
  layers(name: string, layers: Fields): Fields {
    const chat: Fields = {};
    const embeddings: Fields = {};
    const endpoints: Record<string, { apiKey?: string; baseURL?: string }> = {};
    let apiType: string | undefined;
    for (const [layer, parameters] of Object.entries(layers)) {
      for (const [parameter, value] of Object.entries(record(parameters))) {
        if (value === null || value === "") continue;
        const endpoint = /^(.+)-(api-key|base-url)$/.exec(parameter);
        const field = parameter.replace(/^(?:ai|inference|openai|claude)-/, "");
        if (endpoint) {
          const known = (endpoints[endpoint[1]!] ??= {});
          if (endpoint[2] === "api-key") known.apiKey = textOf(value);
          else known.baseURL = textOf(value);
        } else if (parameter === "ai-api-type") apiType = textOf(value);
        else if (layer === "embeddings") this.#embeddings(name, embeddings, parameter, value);
        else if (layer === "ai-client" && parameter === "timeout") chat["headerTimeoutMs"] = Number(value) * 1000;
        else if (CHAT_FIELDS[field] !== undefined) {
          if (!(Array.isArray(value) && value.length === 0)) chat[CHAT_FIELDS[field]] = value;
        } else if (!WITHOUT_MEANING.has(field)) this.#note(name, `${layer}.${parameter}`);
      }
    }
    const target = apiType === undefined ? {} : API_TYPES[apiType];
    if (target === undefined) this.#note(name, `the API type ${apiType}, which has no provider here`);
    const endpoint = this.#endpoint(apiType ?? Object.keys(endpoints)[0], endpoints);
    const full = {
      ...target,
      ...this.#address(endpoint, target),
      ...this.#key(name, apiType, endpoint?.apiKey),
      ...chat,
    };
    return {
      ...(Object.keys(full).length > 0 ? { chat: full } : {}),
      ...(Object.keys(embeddings).length > 0 ? { embeddings } : {}),
    };
  }

  #endpoint(
    apiType: string | undefined,
    endpoints: Record<string, { apiKey?: string; baseURL?: string }>,
  ): { apiKey?: string; baseURL?: string } | undefined {
    const own = apiType === "openai-responses" ? "openai" : (apiType ?? "");
    // The compatible servers were set up through OpenAI's parameters as well as through their own.
    return endpoints[own] ?? (API_TYPES[own]?.["provider"] === "openai" ? endpoints["openai"] : undefined);
  }

  #address(endpoint: { baseURL?: string } | undefined, target: Fields | undefined): Fields {
    const given = endpoint?.baseURL?.replace(/\/+$/, "");
    if (given === undefined) return {};
    const baseURL = target?.["provider"] === "anthropic" ? given.replace(/\/v1(?:\/.*)?$/, "") : given;
    const isVendors = /^https:\/\/api\.(?:openai\.com\/v1|anthropic\.com)$/.test(baseURL);
    return isVendors ? {} : { baseURL };
  }

  /** The reference for a key; the key itself is handed over apart. */
  #key(profile: string, apiType: string | undefined, key: string | undefined): Fields {
    if (key === undefined) return {};
    const same = Object.keys(this.keys).find((name) => this.keys[name] === key);
    const wanted = (apiType === undefined ? profile : apiType.replace("-responses", "")).replace(
      /[^A-Za-z0-9_.-]/g,
      "-",
    );
    const name =
      same ?? (this.keys[wanted] === undefined ? wanted : `${wanted}-${profile.replace(/[^A-Za-z0-9_.-]/g, "-")}`);
    this.keys[name] = key;
    return { apiKey: `key:${name}` };
  }

  #embeddings(profile: string, embeddings: Fields, parameter: string, value: unknown): void {
    if (parameter === "embeddings-engine") embeddings["model"] = value;
    else if (parameter === "embeddings-dimensions") embeddings["dimensions"] = value;
    else if (parameter === "embeddings-type" && value === "openai") embeddings["provider"] = "openai";
    else if (parameter === "embeddings-type" && value === "ollama") {
      embeddings["provider"] = "openai";
      embeddings["baseURL"] = "http://127.0.0.1:11434/v1";
    } else this.#note(profile, `embeddings.${parameter}`);
  }

  #note(profile: string, what: string): void {
    this.notes.push(`${profile}: left out ${what}`);
  }
}

/** `inference_settings` as the layers that they are made from. */
function toLayers({ chat, api, client, embeddings, inference }: Fields): Fields {
  const prefixed = (values: unknown, prefix: string): Fields =>
    Object.fromEntries(
      Object.entries(record(values)).map(([name, value]) => [`${prefix}${name.replaceAll("_", "-")}`, value]),
    );
  const { api_keys: keys, base_urls: urls } = record(api);
  return {
    "ai-chat": prefixed(chat, "ai-"),
    "ai-inference": prefixed(inference, "inference-"),
    "ai-client": prefixed(client, ""),
    api: { ...record(keys), ...record(urls) },
    embeddings: prefixed(embeddings, "embeddings-"),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function record(value: unknown): Fields {
  return isObject(value) ? value : {};
}
