import { InvalidArgumentError } from "commander";

const DURATIONS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SIZES: Record<string, number> = { KB: 1 / 1000, MB: 1, GB: 1000 };

function parseQuantity(text: string, units: Record<string, number>, bare: string, example: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  const unit = match?.[2] === "" ? bare : match?.[2];
  const factor =
    unit === undefined ? undefined : (units[unit] ?? units[unit.toUpperCase()] ?? units[unit.toLowerCase()]);
  const value = Number(match?.[1]) * (factor ?? NaN);
  if (value > 0) return value;
  throw new InvalidArgumentError(`Expected something like ${example}.`);
}

/** Longest time that Node's timers can wait, in milliseconds: more would be none at all. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/** Milliseconds of "500ms", "60s", "2m", "1h" or "60" (seconds). */
export function parseDuration(text: string): number {
  const ms = parseQuantity(text, DURATIONS, "s", "60s, 500ms or 2m");
  if (ms > MAX_DURATION_MS) throw new InvalidArgumentError("At most 24 days can be waited for.");
  return ms;
}

/** Megabytes of "128MB", "1GB" or "128". */
export function parseMegabytes(text: string): number {
  return parseQuantity(text, SIZES, "MB", "128MB or 1GB");
}

/** `KEY=VALUE`, added to those before it. */
export function collectVariable(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Expected KEY=VALUE.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** `true`, `false` or names with commas between them, added to those before them. */
export function collectNames(text: string, before: readonly string[] | true = []): readonly string[] | true {
  const names = text.split(",").map((name) => name.trim());
  if (text === "true" || before === true) return true;
  if (text === "false") return before;
  if (names.includes("")) throw new InvalidArgumentError("Expected names with commas between them.");
  return [...before, ...names];
}

/** `provider:model`, or a provider alone for its default model. */
export function parseModel(text: string): { provider: string; model?: string } {
  const at = text.indexOf(":");
  const provider = at < 0 ? text : text.slice(0, at);
  const model = at < 0 ? "" : text.slice(at + 1);
  if (provider === "" || (at >= 0 && model === ""))
    throw new InvalidArgumentError("Expected provider:model, for example embedded:demo.");
  return model === "" ? { provider } : { provider, model };
}

/** "500 ms", "60 s", "10 min": the largest unit that gives a whole number. */
export function formatDuration(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

/** "1 call", "3 calls". */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
