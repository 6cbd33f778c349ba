import type { Aggregate } from "./threshold.ts";

/** Times of many things, in whole milliseconds: exact, in room for each different time and not for each thing. */
export class Distribution {
  readonly #counts = new Map<number, number>();
  #sorted: [ms: number, count: number][] | undefined;
  #count = 0;
  #sum = 0;

  add(ms: number): void {
    const whole = Math.max(0, Math.round(ms));
    this.#counts.set(whole, (this.#counts.get(whole) ?? 0) + 1);
    this.#sorted = undefined;
    this.#count++;
    this.#sum += whole;
  }

  get count(): number {
    return this.#count;
  }

  /** Undefined for all but the count where nothing was added. A percentile between two values lies between them. */
  valueOf(aggregate: Exclude<Aggregate, "every">, percentile = 50): number | undefined {
    if (aggregate === "count") return this.#count;
    if (this.#count === 0) return undefined;
    switch (aggregate) {
      case "avg":
        return this.#sum / this.#count;
      case "min":
        return this.#at(0);
      case "max":
        return this.#at(this.#count - 1);
      case "med":
        return this.#percentile(50);
      case "p":
        return this.#percentile(percentile);
    }
  }

  #percentile(percentile: number): number {
    const rank = (percentile / 100) * (this.#count - 1);
    const below = Math.floor(rank);
    const low = this.#at(below);
    return low + (this.#at(Math.ceil(rank)) - low) * (rank - below);
  }

  /** The value at an index, were all of them in a row. */
  #at(index: number): number {
    this.#sorted ??= [...this.#counts].sort(([a], [b]) => a - b);
    let seen = 0;
    for (const [ms, count] of this.#sorted) {
      seen += count;
      if (index < seen) return ms;
    }
    return this.#sorted.at(-1)![0];
  }
}
