import { InvalidArgumentError } from "commander";

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

/** "500 ms", "60 s", "10 min": the largest unit that gives a whole number. */
export function formatDuration(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

/** "455 ms", "12.3 s", "3 min 5 s", "2 h 10 min": a time that was measured. */
export function formatElapsed(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "1 call", "3 calls". */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** "$0.0123": two significant digits of small amounts, whole cents of others. */
export function formatCost(dollars: number): string {
  return `$${dollars >= 1 || dollars === 0 ? dollars.toFixed(2) : String(Number(dollars.toPrecision(2)))}`;
}

/** Where to listen. */
export function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("Expected a number from 0 to 65535.");
}
