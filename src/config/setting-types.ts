import { PROVIDER_NAMES } from "../providers/index.ts";

/** What one setting takes, and how it is read. */
export interface SettingType {
  /** For errors: "Expected …". */
  expects: string;
  /** The value as the program uses it; undefined when it is not valid. Never gets null or undefined. */
  read(value: unknown): unknown;
  /** All values that there are, where they are names. */
  names?: readonly string[];
  /** The value as it may be written in a file; default as it is. */
  show?(value: unknown): string;
  /** Values of several layers are one: a record by its keys. */
  merges?: true;
  /** Holds secrets: never shown as it is. */
  secret?: true;
}

const DURATIONS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };
const SIZES: Record<string, number> = { kb: 1 / 1000, mb: 1, gb: 1000 };
/** Longest time that Node's timers can wait. */
const MAX_DURATION_MS = 2 ** 31 - 1;

function quantity(value: unknown, units: Record<string, number>, bare: number): number | undefined {
  if (typeof value === "number") return value > 0 ? value * bare : undefined;
  const match = typeof value === "string" ? /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(value.trim()) : null;
  const factor = match?.[2] === "" ? bare : units[match?.[2]?.toLowerCase() ?? ""];
  const amount = Number(match?.[1]) * (factor ?? NaN);
  return amount > 0 ? amount : undefined;
}

function numberBetween(least: number, most: number, isWhole: boolean, expects: string): SettingType {
  return {
    expects,
    read: (value) => {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      if (typeof number !== "number" || !(number >= least && number <= most)) return undefined;
      return isWhole && !Number.isInteger(number) ? undefined : number;
    },
  };
}

export const text: SettingType = {
  expects: "a text",
  read: (value) =>
    typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined,
};
const PROVIDERS = [...PROVIDER_NAMES, "claude"];
export const provider: SettingType = {
  expects: PROVIDERS.join(", "),
  names: PROVIDERS,
  read: (value) => PROVIDERS.find((name) => typeof value === "string" && name === value.trim().toLowerCase()),
};
export const secretText: SettingType = { ...text, expects: "env:NAME or key:NAME", secret: true };
export const url: SettingType = {
  expects: "an http or https URL",
  read: (value) =>
    typeof value === "string" && /^https?:$/.test(URL.parse(value)?.protocol ?? "") ? value : undefined,
  show: (value) => String(value).replace(/\/\/[^/?#]*@/, "//…@"),
};
export const fraction: SettingType = numberBetween(0, 1, false, "a number from 0 to 1");
export const temperature: SettingType = numberBetween(0, 2, false, "a number from 0 to 2");
export const amount: SettingType = numberBetween(Number.MIN_VALUE, Infinity, false, "a positive number");
export const count: SettingType = numberBetween(1, Number.MAX_SAFE_INTEGER, true, "a positive whole number");
export const countOrNone: SettingType = numberBetween(0, Number.MAX_SAFE_INTEGER, true, "a whole number, 0 or more");
export const integer: SettingType = numberBetween(-(2 ** 53), 2 ** 53, true, "a whole number");
export const flag: SettingType = {
  expects: "true or false",
  read: (value) => {
    if (typeof value === "boolean") return value;
    return value === "true" ? true : value === "false" ? false : undefined;
  },
};
/** Milliseconds; a bare number is seconds. */
export const duration: SettingType = {
  expects: "a time such as 60s, 500ms or 2m, at most 24 days",
  read: (value) => {
    const ms = quantity(value, DURATIONS, 1000);
    return ms !== undefined && ms <= MAX_DURATION_MS ? ms : undefined;
  },
  show: (ms) => `${Number(ms) / 1000}s`,
};
/** Milliseconds; a bare number is milliseconds, as the name of such a setting says. */
export const milliseconds: SettingType = {
  ...duration,
  read: (value) => {
    const ms = value === 0 || value === "0" ? 0 : quantity(value, DURATIONS, 1);
    return ms !== undefined && ms <= MAX_DURATION_MS ? ms : undefined;
  },
  show: (ms) => `${Number(ms)}ms`,
};
/** Megabytes. */
export const size: SettingType = {
  expects: "a size such as 128MB or 1GB",
  read: (value) => quantity(value, SIZES, 1),
  show: (megabytes) => `${Number(megabytes)}MB`,
};
export const texts: SettingType = {
  expects: "a text or a list of texts",
  read: (value) => {
    const list = typeof value === "string" ? [value] : value;
    return Array.isArray(list) && list.every((item) => typeof item === "string" && item !== "") ? list : undefined;
  },
};
/** True for everything, or a list, which a text separates by commas. */
export const allowance: SettingType = {
  expects: "true, false or a list of names",
  read: (value) => {
    if (value === true || value === "true") return true;
    if (value === false || value === "false") return [];
    return texts.read(typeof value === "string" ? value.split(",").map((item) => item.trim()) : value);
  },
};
export const headers: SettingType = {
  expects: "header names with their texts",
  read: (value) =>
    isRecord(value) && Object.values(value).every((item) => typeof item === "string") ? value : undefined,
  merges: true,
  secret: true,
};
export const prices: SettingType = {
  expects: "models, each with { input, output } in dollars per million tokens",
  read: (value) => (isRecord(value) && Object.values(value).every(isPrice) ? value : undefined),
  merges: true,
};

export function choice(...names: string[]): SettingType {
  return { expects: names.join(", "), names, read: (value) => names.find((name) => name === value) };
}

const PRICE_FIELDS = ["input", "output", "cachedInput", "cacheWrite"];

function isPrice(value: unknown): boolean {
  if (!isRecord(value) || !("input" in value) || !("output" in value)) return false;
  return Object.entries(value).every(
    ([key, price]) => PRICE_FIELDS.includes(key) && typeof price === "number" && price >= 0,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
