import { OTHER } from "./conventions.ts";
import type { Attributes } from "./trace.ts";

/** Most values of one attribute that are told apart in metrics: scripts choose the names of models. */
const MAX_VALUES = 100;
const MAX_CHARS = 128;

/** Keeps the number of series that metrics have bounded: what comes after the first values of an attribute counts as one. */
export class BoundedValues {
  readonly #seen = new Map<string, Set<string>>();

  /** The attributes of one measurement as texts. */
  bound(attributes: Attributes): Record<string, string> {
    const bounded: Record<string, string> = {};
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== undefined) bounded[name] = this.#bounded(name, String(value).slice(0, MAX_CHARS).toWellFormed());
    }
    return bounded;
  }

  #bounded(name: string, value: string): string {
    const seen = this.#seen.get(name) ?? new Set<string>();
    this.#seen.set(name, seen);
    if (seen.has(value)) return value;
    if (seen.size >= MAX_VALUES) return OTHER;
    seen.add(value);
    return value;
  }
}
