import type { KeyStore } from "./key-store.ts";
import type { Merged } from "./layers.ts";
import { readDefaults } from "./read-settings.ts";
import { isReference, readerOf } from "./setting-kinds.ts";
import type { Sections, Settings } from "./settings.ts";
import { SETTING_BY_PATH } from "./table/names.ts";

/** The settings as one object, with the keys that they refer to. What sends keys anywhere has been judged before. */
export async function toSettings(merged: Merged, keys: KeyStore): Promise<{ settings: Settings; warnings: string[] }> {
  const { chat: said, embeddings, retry, prices, ...rest } = toSections(merged);
  const { reasoningEffort: effort, reasoningBudgetTokens: budgetTokens, ...chat } = said;
  const reasoning = { ...(effort ? { effort } : {}), ...(budgetTokens ? { budgetTokens } : {}) };
  const shared = {
    ...(Object.keys(retry).length > 0 ? { retry } : {}),
    ...(prices === undefined ? {} : { prices }),
  };
  const warnings: string[] = [];
  for (const [section, values] of [
    ["chat", chat],
    ["embeddings", embeddings],
  ] as const) {
    warnings.push(...(await resolveSecrets(section, values, merged, keys)));
  }
  if (usesKeys(merged) && (await keys.isExposed())) {
    warnings.push("The keys file can be read by others: give it the mode 600");
  }
  return {
    settings: {
      ...rest,
      chat: { ...chat, ...(Object.keys(reasoning).length > 0 ? { reasoning } : {}), ...shared },
      embeddings: { ...embeddings, ...shared },
    },
    warnings,
  };
}

/** Settings that were kept, perhaps by an earlier version, with the defaults of what they do not have. */
export function completeSettings(kept: Settings): Settings {
  const { retry: _, ...defaults } = toSections(readDefaults());
  const known: Readonly<Record<string, unknown>> = { ...kept };
  const whole = Object.entries(defaults).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === "object" ? { ...value, ...(known[name] as object | undefined) } : (known[name] ?? value),
  ]);
  return { ...kept, ...(Object.fromEntries(whole) as Settings) };
}

/** The values by their names inside the program. Every section is there, those of which nothing was said too. */
function toSections(merged: ReadonlyMap<string, { value: unknown }>): Sections {
  const sections: Record<string, unknown> = {};
  for (const [path, { inside = path }] of SETTING_BY_PATH) {
    const [head = "", ...words] = inside.split(".");
    const name = words.join(".");
    const origin = merged.get(path);
    if (name === "") {
      if (origin !== undefined) sections[head] = origin.value;
      continue;
    }
    const section = (sections[head] ??= {}) as Record<string, unknown>;
    if (origin !== undefined) section[name] = origin.value;
  }
  return sections as Sections;
}

/** Puts keys in place of `key:NAME`, and says what is unwise. */
async function resolveSecrets(
  section: "chat" | "embeddings",
  values: Sections["chat" | "embeddings"],
  merged: Merged,
  keys: KeyStore,
): Promise<string[]> {
  const warnings: string[] = [];
  const { apiKey, headers } = values;
  const keyOrigin = merged.get(`${section}.apiKey`);
  if (apiKey !== undefined && keyOrigin !== undefined) {
    if (!isReference(apiKey)) {
      warnings.push(
        `${keyOrigin.place} holds a key itself: store it with "geppetto-js keys set" and refer to it as key:NAME`,
      );
    }
    values.apiKey = (await lookUp(apiKey, keys)) ?? apiKey;
  }
  if (headers !== undefined) {
    const resolved: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) resolved[name] = (await lookUp(value, keys)) ?? value;
    values.headers = resolved;
  }
  return warnings;
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

/** A setting's value for people; of a secret only where it is kept. */
export function displayValue(path: string, value: unknown): string {
  const reader = readerOf(SETTING_BY_PATH.get(path)!);
  if (reader.show) return reader.show(value);
  if (!reader.isSecret) return typeof value === "string" ? value : JSON.stringify(value);
  if (typeof value === "string") return isReference(value) ? value : "(a key)";
  return Object.keys(value as object).join(", ");
}
