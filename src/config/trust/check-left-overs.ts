import type { Check } from "../describe-config.ts";
import { userKeyStore, userTrustStore } from "../load-config.ts";

/** What `doctor` says of files that killed programs have left: those of the keys file may hold keys. */
export async function checkLeftOvers(env: Readonly<Record<string, string | undefined>>): Promise<Check[]> {
  const keys = await userKeyStore(env).leftOvers();
  const others = await userTrustStore(env).leftOvers();
  const found = [...keys, ...others];
  if (found.length === 0) return [];
  const what = keys.length > 0 ? "they may hold keys" : "they are of no use";
  const hint = `delete them${keys.length > 0 ? ", or change a key with geppetto-js keys set, which does so" : ""}`;
  return [{ name: "left-overs", status: "warning", detail: `${found.join(", ")}: ${what}`, hint }];
}
