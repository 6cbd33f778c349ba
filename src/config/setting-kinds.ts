import type { PriceTable } from "../providers/cost/price-table.ts";
import { PROVIDER_ALIASES, PROVIDER_NAMES } from "../providers/vendors.ts";
import { MAX_MEMORY_MB, MAX_TIMER_MS, MIN_MEMORY_MB } from "../shared/limits.ts";
import { isTexts, type McpServerSource, mcpServersProblem, readMcpServers } from "./mcp-servers.ts";
import type { Kind, Setting } from "./table/setting.ts";
import { type MetricKind, parseThresholds, type Threshold, THRESHOLD_FORMS } from "./thresholds/threshold.ts";
import { isObject } from "../shared/is-object.ts";
import { headersProblem } from "../shared/values/header-text.ts";

/** Where a secret comes from, and to which hosts it may go. */
export interface SecretSource {
  /** `env:NAME` or `key:NAME`. */
  from: string;
  hosts: string[];
}

/** What a setting of each kind is inside the program. */
export interface KindValues {
  text: string;
  texts: string[];
  provider: string;
  secret: string;
  url: string;
  headers: Record<string, string>;
  prices: PriceTable;
  secrets: Record<string, SecretSource>;
  mcpServers: Record<string, McpServerSource>;
  fraction: number;
  temperature: number;
  amount: number;
  count: number;
  countOrNone: number;
  integer: number;
  boolean: boolean;
  /** Milliseconds; a bare number is written for seconds. */
  duration: number;
  /** The same, or none. */
  pause: number;
  /** Milliseconds; a bare number is written for milliseconds, as the name of such a setting says. */
  milliseconds: number;
  /** Megabytes. */
  size: number;
  files: readonly string[] | true;
  modules: readonly string[] | true;
  hosts: readonly string[] | true;
  variables: readonly string[] | true;
  servers: readonly string[] | true;
  countThreshold: readonly Threshold[];
  amountThreshold: readonly Threshold[];
  timeThreshold: readonly Threshold[];
  timesThreshold: readonly Threshold[];
}

/** How the values of one kind are read and shown. */
export interface KindReader<Value = unknown> {
  /** For errors: "Expected …". */
  expects: string;
  /** The value as the program uses it; undefined when it is not one. Never gets null or undefined. */
  read(value: unknown): Value | undefined;
  /** What is wrong with a value that is not one, where more can be said than what is expected. */
  problem?(value: unknown): string | undefined;
  /** All values, where they are names. */
  names?: readonly string[];
  /** The value as it may be written in a file; default as it is. */
  show?(value: unknown): string;
  /** Holds secrets: never shown as it is. */
  isSecret?: true;
}

const DURATIONS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };
const SIZES: Record<string, number> = { kb: 1 / 1000, mb: 1, gb: 1000 };

function quantity(value: unknown, units: Record<string, number>, bare: number): number | undefined {
  if (typeof value === "number") return value > 0 ? value * bare : undefined;
  const match = typeof value === "string" ? /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(value.trim()) : null;
  const factor = match?.[2] === "" ? bare : units[match?.[2]?.toLowerCase() ?? ""];
  const amount = Number(match?.[1]) * (factor ?? NaN);
  return amount > 0 ? amount : undefined;
}

function numberBetween(least: number, most: number, isWhole: boolean, expects: string): KindReader<number> {
  return {
    expects,
    read: (value) => {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      if (typeof number !== "number" || !(number >= least && number <= most)) return undefined;
      return isWhole && !Number.isInteger(number) ? undefined : number;
    },
  };
}

const PROVIDERS = [...PROVIDER_NAMES, ...PROVIDER_ALIASES.keys()];

const text: KindReader<string> = {
  expects: "a text",
  read: (value) =>
    typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined,
};
const texts: KindReader<string[]> = {
  expects: "a text or a list of texts",
  read: (value) => {
    const list = typeof value === "string" ? [value] : value;
    return Array.isArray(list) && list.every((item) => typeof item === "string" && item !== "") ? list : undefined;
  },
};
const duration: KindReader<number> = {
  expects: "a time such as 60s, 500ms or 2m, at most 24 days",
  read: (value) => {
    const ms = quantity(value, DURATIONS, 1000);
    return ms !== undefined && ms <= MAX_TIMER_MS ? ms : undefined;
  },
  show: (ms) => `${Number(ms) / 1000}s`,
};
/** True for everything, or a list, which a text separates by commas. */
const allowance: KindReader<readonly string[] | true> = {
  expects: "true, false or a list of names",
  read: (value) => {
    if (value === true || value === "true") return true;
    if (value === false || value === "false") return [];
    return texts.read(typeof value === "string" ? value.split(",").map((item) => item.trim()) : value);
  },
};

function threshold(kind: MetricKind): KindReader<readonly Threshold[]> {
  return {
    expects: THRESHOLD_FORMS[kind],
    read: (value) => {
      const parsed = parseThresholds(value, kind);
      return "problem" in parsed ? undefined : parsed;
    },
    problem: (value) => {
      const parsed = parseThresholds(value, kind);
      return "problem" in parsed ? parsed.problem : undefined;
    },
    show: (value) => (value as readonly Threshold[]).map(({ text: written }) => written).join(", "),
  };
}

const KINDS: { readonly [K in Kind]: KindReader<KindValues[K]> } = {
  text,
  texts,
  provider: {
    expects: PROVIDERS.join(", "),
    names: PROVIDERS,
    read: (value) => PROVIDERS.find((name) => typeof value === "string" && name === value.trim().toLowerCase()),
  },
  secret: { ...text, expects: "env:NAME or key:NAME", isSecret: true },
  url: {
    expects: "an http or https URL",
    read: (value) =>
      typeof value === "string" && /^https?:$/.test(URL.parse(value)?.protocol ?? "") ? value : undefined,
    show: (value) => String(value).replace(/\/\/[^/?#]*@/, "//…@"),
  },
  headers: {
    expects: "header names with their texts",
    read: (value) => (isTexts(value) && headersProblem(value) === undefined ? value : undefined),
    problem: (value) => (isTexts(value) ? headersProblem(value) : undefined),
    isSecret: true,
  },
  prices: {
    expects: "models, each with { input, output } in dollars per million tokens",
    read: (value) =>
      isObject(value) && Object.values(value).every(isPrice) ? (value as unknown as PriceTable) : undefined,
  },
  secrets: {
    expects: "names, each with { from: env:NAME or key:NAME, hosts: a list of hosts }",
    read: (value) => (isObject(value) ? readSecrets(value) : undefined),
  },
  mcpServers: {
    expects: "names, each with { command, args, env, cwd } or { url, headers }, timeout and effect",
    read: readMcpServers,
    problem: mcpServersProblem,
    show: (value) => Object.keys(value as object).join(", "),
  },
  fraction: numberBetween(0, 1, false, "a number from 0 to 1"),
  temperature: numberBetween(0, 2, false, "a number from 0 to 2"),
  amount: numberBetween(Number.MIN_VALUE, Infinity, false, "a positive number"),
  count: numberBetween(1, Number.MAX_SAFE_INTEGER, true, "a positive whole number"),
  countOrNone: numberBetween(0, Number.MAX_SAFE_INTEGER, true, "a whole number, 0 or more"),
  integer: numberBetween(-(2 ** 53), 2 ** 53, true, "a whole number"),
  boolean: {
    expects: "true or false",
    read: (value) => {
      if (typeof value === "boolean") return value;
      return value === "true" ? true : value === "false" ? false : undefined;
    },
  },
  duration,
  pause: {
    ...duration,
    expects: "a time such as 60s, 500ms or 0s, at most 24 days",
    read: (value) => (/^0(\.0+)?\s*(ms|s|m|min|h)?$/i.test(String(value).trim()) ? 0 : duration.read(value)),
  },
  milliseconds: {
    ...duration,
    read: (value) => {
      const ms = value === 0 || value === "0" ? 0 : quantity(value, DURATIONS, 1);
      return ms !== undefined && ms <= MAX_TIMER_MS ? ms : undefined;
    },
    show: (ms) => `${Number(ms)}ms`,
  },
  size: {
    expects: "a size such as 128MB or 1GB, from 8MB to 1000GB",
    read: (value) => {
      const megabytes = quantity(value, SIZES, 1);
      const isOne = megabytes !== undefined && megabytes >= MIN_MEMORY_MB && megabytes <= MAX_MEMORY_MB;
      return isOne ? megabytes : undefined;
    },
    show: (megabytes) => `${Number(megabytes)}MB`,
  },
  files: allowance,
  modules: allowance,
  hosts: allowance,
  variables: allowance,
  servers: allowance,
  countThreshold: threshold("count"),
  amountThreshold: threshold("amount"),
  timeThreshold: threshold("time"),
  timesThreshold: threshold("times"),
};

/** How the values of a setting are read. */
export function readerOf({ kind }: Pick<Setting, "kind">): KindReader {
  return typeof kind === "string" ? KINDS[kind] : choice(kind);
}

function choice(names: readonly string[]): KindReader<string> {
  return { expects: names.join(", "), names, read: (value) => names.find((name) => name === value) };
}

/** Is it the name of a key or of a variable, rather than the text of one? */
export function isReference(text: string): boolean {
  return /^(?:env|key):./.test(text);
}

function readSecrets(value: Record<string, unknown>): Record<string, SecretSource> | undefined {
  const secrets: Record<string, SecretSource> = {};
  for (const [name, given] of Object.entries(value)) {
    if (!isObject(given)) return undefined;
    const { from, hosts, ...unknown } = given;
    const list = texts.read(hosts);
    if (typeof from !== "string" || !isReference(from) || !list?.length || Object.keys(unknown).length > 0)
      return undefined;
    secrets[name] = { from, hosts: list };
  }
  return secrets;
}

const PRICE_FIELDS = ["input", "output", "cachedInput", "cacheWrite"];

function isPrice(value: unknown): boolean {
  if (!isObject(value) || !("input" in value) || !("output" in value)) return false;
  return Object.entries(value).every(
    ([key, price]) => PRICE_FIELDS.includes(key) && typeof price === "number" && price >= 0,
  );
}
