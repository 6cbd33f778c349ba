import type { ModelSettings, PriceTable, RetryOptions } from "../providers/index.ts";
import type { KeyStore } from "./key-store.ts";
import type { Merged, Origin } from "./layers.ts";
import { SECTIONS, SETTING_TYPES } from "./settings-schema.ts";

/** What a command and its engine need. Times are milliseconds, sizes megabytes. Beside what has a default, only what was said is there. */
export interface Settings {
  chat: ModelSettings;
  embeddings: ModelSettings;
  limits: {
    timeoutMs: number;
    cpuMs?: number;
    memoryMB: number;
    maxCalls?: number;
    maxTokens?: number;
    maxCost?: number;
    concurrency?: number;
  };
  permissions: {
    read?: readonly string[] | true;
    net?: readonly string[] | true;
    env?: readonly string[] | true;
    import?: readonly string[] | true;
  };
  tools: { approve?: "ask" | "never" | "always"; timeoutMs?: number };
  isolation?: "process" | "thread";
}

/** Names that say their unit in the program and not in a file. */
const RENAMED: Readonly<Record<string, string>> = { timeout: "timeoutMs", cpu: "cpuMs", memory: "memoryMB" };

/** The settings as one object, with the keys that they refer to. */
export async function toSettings(merged: Merged, keys: KeyStore): Promise<{ settings: Settings; warnings: string[] }> {
  const sections: Record<string, Record<string, unknown>> = {};
  for (const [section, fields] of Object.entries(SECTIONS)) {
    const values = (sections[section] = {} as Record<string, unknown>);
    for (const name of Object.keys(fields)) {
      const origin = merged.get(`${section}.${name}`);
      if (origin !== undefined) values[section === "limits" ? (RENAMED[name] ?? name) : name] = origin.value;
    }
  }
  const warnings: string[] = [];
  const { chat, embeddings, retry, limits, permissions, tools } = sections;
  const shared = {
    ...(Object.keys(retry!).length > 0 ? { retry: retry as RetryOptions } : {}),
    ...(merged.has("prices") ? { prices: merged.get("prices")!.value as PriceTable } : {}),
  };
  for (const [section, values] of [
    ["chat", chat!],
    ["embeddings", embeddings!],
  ] as const) {
    warnings.push(...(await resolveSecrets(section, values, merged, keys)));
  }
  if (usesKeys(merged) && (await keys.isExposed())) {
    warnings.push("The keys file can be read by others: give it the mode 600");
  }
  const isolation = merged.get("isolation")?.value as Settings["isolation"];
  const settings = {
    chat: { ...chat, ...shared },
    embeddings: { ...embeddings, ...shared },
    limits,
    permissions,
    tools,
    ...(isolation === undefined ? {} : { isolation }),
  } as Settings;
  return { settings, warnings };
}

/** Puts keys in place of `key:NAME`, and says what is unwise. */
async function resolveSecrets(
  section: string,
  values: Record<string, unknown>,
  merged: Merged,
  keys: KeyStore,
): Promise<string[]> {
  const warnings: string[] = [];
  const foreign = foreignAddress(merged.get(`${section}.baseURL`));
  const origin = merged.get(`${section}.apiKey`);
  if (origin !== undefined) {
    const given = origin.value as string;
    const isHeld = !isReference(given);
    if (isHeld) {
      warnings.push(
        `${origin.place} holds a key itself: store it with "geppetto-js keys set" and refer to it as key:NAME`,
      );
    }
    // A key that came with the address may go there.
    if (foreign !== undefined && !(isHeld && origin.isForeign)) {
      warnings.push(`${origin.place} sends ${isHeld ? "a key" : given} to ${foreign}`);
    }
    values["apiKey"] = (await lookUp(given, keys)) ?? given;
  }
  const headers = merged.get(`${section}.headers`);
  if (headers !== undefined) {
    const resolved: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers.value as Record<string, string>)) {
      const key = await lookUp(value, keys);
      if (foreign !== undefined && key !== undefined) warnings.push(`${headers.place} sends ${value} to ${foreign}`);
      resolved[name] = key ?? value;
    }
    values["headers"] = resolved;
  }
  return warnings;
}

function isReference(text: string): boolean {
  return /^(?:env|key):./.test(text);
}

async function lookUp(text: string, keys: KeyStore): Promise<string | undefined> {
  return text.startsWith("key:") ? keys.get(text.slice(4)) : undefined;
}

function usesKeys(merged: Merged): boolean {
  const valueOf = (path: string): unknown => merged.get(path)?.value;
  const given = ["chat", "embeddings"].flatMap((section) => [
    valueOf(`${section}.apiKey`),
    ...Object.values(valueOf(`${section}.headers`) ?? {}),
  ]);
  return given.some((text) => String(text).startsWith("key:"));
}

/** The host of an address that came with the scripts and is neither here nor a vendor's own. */
function foreignAddress(origin: Origin | undefined): string | undefined {
  if (origin === undefined || !origin.isForeign) return undefined;
  const { hostname } = new URL(String(origin.value));
  const isKnown = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|api\.openai\.com|api\.anthropic\.com)$/.test(hostname);
  return isKnown ? undefined : hostname;
}

/** A setting's value for people; of a secret only where it is kept. */
export function displayValue(path: string, value: unknown): string {
  const type = SETTING_TYPES.get(path)!;
  if (type.show) return type.show(value);
  if (!type.secret) return typeof value === "string" ? value : JSON.stringify(value);
  if (typeof value === "string") return isReference(value) ? value : "(a key)";
  return Object.keys(value as object).join(", ");
}
