/** All that is particular to a vendor of models, but for the code that speaks to it and what its models cost. */
interface Vendor {
  /** Other names under which people know it. */
  aliases: readonly string[];
  baseURL: string;
  /** The vendor's SDK adds the version to the address; others want it there. */
  addsVersion: boolean;
  keyVariable: string;
  baseURLVariable: string;
  /** The model of chats where nobody names one. */
  chatModel: string;
}

export const VENDORS = {
  openai: {
    aliases: [],
    baseURL: "https://api.openai.com/v1",
    addsVersion: false,
    keyVariable: "OPENAI_API_KEY",
    baseURLVariable: "OPENAI_BASE_URL",
    chatModel: "gpt-5-mini",
  },
  anthropic: {
    aliases: ["claude"],
    baseURL: "https://api.anthropic.com",
    addsVersion: true,
    keyVariable: "ANTHROPIC_API_KEY",
    baseURLVariable: "ANTHROPIC_BASE_URL",
    chatModel: "claude-sonnet-5",
  },
} as const satisfies Record<string, Vendor>;

export type VendorName = keyof typeof VENDORS;
export type ProviderName = "embedded" | VendorName;

const ENTRIES = Object.entries(VENDORS) as [VendorName, Vendor][];

export const PROVIDER_NAMES: readonly ProviderName[] = ["embedded", ...ENTRIES.map(([name]) => name)];

/** The providers that other names stand for. */
export const PROVIDER_ALIASES: ReadonlyMap<string, ProviderName> = new Map(
  ENTRIES.flatMap(([name, { aliases }]) => aliases.map((alias) => [alias, name] as const)),
);

export const DEFAULT_CHAT_MODELS = {
  embedded: "demo",
  ...Object.fromEntries(ENTRIES.map(([name, { chatModel }]) => [name, chatModel])),
} as Readonly<Record<ProviderName, string>>;

/** The variables of keys and addresses that are honoured. */
export const VENDOR_VARIABLES: readonly string[] = ENTRIES.flatMap(([, { keyVariable, baseURLVariable }]) => [
  keyVariable,
  baseURLVariable,
]);

/** References to a vendor's key under the names that everybody keeps it by. */
export function usualKeys(provider: ProviderName): string[] {
  if (provider === "embedded") return [];
  const { keyVariable, aliases } = VENDORS[provider];
  return [`env:${keyVariable}`, ...[provider, ...aliases].map((name) => `key:${name}`)];
}
