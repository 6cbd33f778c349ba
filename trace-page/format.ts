/** "12 ms", "1.24 s", "2 min 05 s". */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} days ${hours % 24} h`;
}

/** A moment in a run, all of the same width for one run: "  1.240". */
export function formatMoment(ms: number): string {
  return `${(ms / 1_000).toFixed(3)} s`;
}

export function formatCost(cost: number): string {
  return `$${cost < 0.01 ? cost.toFixed(6) : cost.toFixed(4)}`;
}

/** "1 call", "2,000 calls". */
export function formatCount(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
