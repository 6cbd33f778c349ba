import type { KeyStore } from "./key-store.ts";
import type { SecretSource } from "./setting-kinds.ts";

/** A secret as the library takes it: its value, or why there is none. */
export interface SecretValue {
  value?: string;
  missing?: string;
  hosts: readonly string[];
}

/** The secrets that settings name, with their values. One that is missing is an error when it is to be sent. */
export async function secretValues(
  sources: Readonly<Record<string, SecretSource>> = {},
  env: Readonly<Record<string, string | undefined>>,
  keys: KeyStore,
): Promise<Record<string, SecretValue>> {
  const values: Record<string, SecretValue> = {};
  for (const [name, { from, hosts }] of Object.entries(sources)) {
    const inner = from.slice(4);
    const isKey = from.startsWith("key:");
    const value = isKey ? await keys.get(inner) : env[inner];
    const missing = isKey
      ? `no key is stored as "${inner}"; run geppetto-js keys set ${inner}`
      : `the variable ${inner} is not set`;
    values[name] = value ? { value, hosts } : { missing, hosts };
  }
  return values;
}
