import type { TraceWriter } from "./trace-writer.ts";

/** Shortest wait that is shown, in milliseconds, and as a part of the whole run. */
const SHORTEST_MS = 20;
const SHORTEST_PART = 0.01;
const MAX_WAITS = 2_000;

/** Notes when nothing went on in a script, and what it was waiting for. */
export class TraceWaits {
  readonly #writer: TraceWriter;
  readonly #shortest: number;
  #since = 0;
  #count = 0;

  constructor(writer: TraceWriter, durationMs: number) {
    this.#writer = writer;
    this.#shortest = Math.max(SHORTEST_MS, durationMs * SHORTEST_PART);
  }

  /** Something goes on again at this moment, up to which a script had only this to wait for; asked where that is shown. */
  look(at: number, pending: () => readonly string[]): void {
    const start = Math.max(this.#since, this.#writer.last);
    this.#since = Math.max(this.#since, at);
    if (at - start < this.#shortest || this.#count >= MAX_WAITS) return;
    const names = pending();
    if (names.length === 0) return;
    this.#count++;
    this.#writer.wait(`waits for ${listOf(names)}`, start, at);
  }
}

function listOf(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const parts = [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`));
  return parts.length <= 3 ? parts.join(", ") : `${parts.slice(0, 3).join(", ")} and ${parts.length - 3} more`;
}
