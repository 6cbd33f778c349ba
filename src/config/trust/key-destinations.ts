import { resolveProviderSettings, type ResolvedSettings } from "../../providers/settings.ts";
import { usualKeys } from "../../providers/vendors.ts";
import { configError } from "../config-error.ts";
import type { Merged } from "../layers.ts";
import { isReference } from "../setting-kinds.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A secret, or what stands for one, and where it would go. */
interface Destination {
  /** `key:NAME`, `env:NAME`, or the text itself. */
  secret: string;
  /** The setting that names it. */
  path: string;
  place: string;
  /** Was it named by a file that nobody has trusted? */
  isForeign: boolean;
  address: string;
  /** Was the address chosen by such a file, and where? */
  addressPlace: string | undefined;
  /** Is it the key that everybody uses with this vendor, on its way to the vendor's own address? */
  isUsual: boolean;
}

const SECTIONS = ["chat", "embeddings"] as const;
const HOW = "read the file, then run geppetto-js trust . if it may; or say it in your own configuration";

/**
 * What a file that nobody has trusted would send of the user's, and where: one error for each. It may send a vendor's
 * usual key to that vendor's own address, a key to the address for which the user's own configuration names it, and
 * whatever it holds itself.
 *
 * @param own settings as the user's own configuration makes them, with each of its profiles.
 */
export function foreignDestinations(merged: Merged, own: readonly Merged[], env: Environment): Error[] {
  const known = new Set(own.flatMap((settings) => destinationsOf(settings, env)).map(nameOf));
  return destinationsOf(merged, env)
    .filter((destination) => leavesUser(destination) && !known.has(nameOf(destination)))
    .map(toError);
}

function leavesUser({ secret, isForeign, addressPlace, isUsual }: Destination): boolean {
  if (isUsual) return false;
  return isForeign ? isReference(secret) : addressPlace !== undefined;
}

function nameOf({ secret, address }: Destination): string {
  return JSON.stringify([secret, address]);
}

function toError({ secret, path, place, isForeign, address, addressPlace }: Destination): Error {
  const what = isReference(secret) ? secret : path.endsWith("apiKey") ? "a key" : "a header";
  const whose = isForeign
    ? "and nobody has trusted this file"
    : `an address of ${addressPlace}, a file that nobody has trusted`;
  return configError(place, `${path} would send ${what} to ${address}, ${whose}: ${HOW}`, "ERR_CONFIG_TRUST");
}

function destinationsOf(merged: Merged, env: Environment): Destination[] {
  return SECTIONS.flatMap((section) => {
    const resolved = resolve(merged, section, env);
    if (resolved?.baseURL === undefined) return [];
    const { baseURL, isVendorURL, provider } = resolved;
    const url = merged.get(`${section}.baseURL`);
    const chooser = url ?? merged.get(`${section}.provider`);
    const common = {
      address: URL.parse(baseURL)?.href.replace(/\/\/[^/?#]*@/, "//…@") ?? baseURL,
      addressPlace: chooser?.isForeign ? chooser.place : undefined,
    };
    const found: Destination[] = [];
    const apiKey = merged.get(`${section}.apiKey`);
    if (apiKey !== undefined) {
      const { place, isForeign } = apiKey;
      const secret = apiKey.value as string;
      const isUsual = (isVendorURL || url === undefined) && usualKeys(provider).includes(secret);
      found.push({ ...common, secret, path: `${section}.apiKey`, place, isForeign, isUsual });
    }
    const headers = merged.get(`${section}.headers`);
    for (const [name, secret] of Object.entries((headers?.value ?? {}) as Record<string, string>)) {
      const { place, foreignKeys = [] } = headers!;
      const isForeign = foreignKeys.includes(name);
      found.push({ ...common, secret, path: `${section}.headers`, place, isForeign, isUsual: false });
    }
    return found;
  });
}

/** Provider and address as they will be; undefined for what cannot be used, which is said elsewhere. */
function resolve(merged: Merged, section: string, env: Environment): ResolvedSettings | undefined {
  const url = merged.get(`${section}.baseURL`)?.value as string | undefined;
  const provider = (merged.get(`${section}.provider`)?.value ?? "embedded") as string;
  try {
    return resolveProviderSettings({ provider, ...(url === undefined ? {} : { baseURL: url }) }, env);
  } catch {
    return undefined;
  }
}
