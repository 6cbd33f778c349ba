import { GeppettoError } from "../shared/errors.ts";
import { shown } from "../shared/option-numbers.ts";

/** Whose turn it is: tenants that wait get shares by weight, in small steps, and one that waits for long has no more for that. */
export class TenantTurns {
  readonly #weights: Readonly<Record<string, number>>;
  #credits = new Map<string, number>();

  /** @param weights of those whose weight is not 1 */
  constructor(weights: Readonly<Record<string, number>> = {}) {
    this.#weights = weights;
  }

  /** Those that wait, the one whose turn it is first. */
  order(waiting: Iterable<string>): string[] {
    const tenants = [...waiting];
    // Who does not wait has nothing saved up.
    this.#credits = new Map(tenants.map((tenant) => [tenant, this.#credits.get(tenant) ?? 0]));
    const due = (tenant: string): number => this.#credits.get(tenant)! + this.#weightOf(tenant);
    return tenants.sort((a, b) => due(b) - due(a) || (a < b ? -1 : 1));
  }

  /** This one had its turn. */
  took(tenant: string): void {
    let all = 0;
    for (const [other, credit] of this.#credits) {
      const weight = this.#weightOf(other);
      all += weight;
      this.#credits.set(other, credit + weight);
    }
    this.#credits.set(tenant, (this.#credits.get(tenant) ?? 0) - all);
  }

  #weightOf(tenant: string): number {
    return Object.hasOwn(this.#weights, tenant) ? this.#weights[tenant]! : 1;
  }
}

/** @throws {GeppettoError} ConfigError for a weight that is not a positive number. */
export function checkWeights(weights: Readonly<Record<string, number>> = {}): void {
  for (const [tenant, weight] of Object.entries(weights)) {
    if (weight > 0 && weight < Infinity) continue;
    const text = `the weight of "${tenant}" must be a positive number, got ${shown(weight)}`;
    throw new GeppettoError("ConfigError", `Cannot start the worker: ${text}`);
  }
}
