import { Budget, type CallUnderWay, type Spending } from "./budget.ts";
import type { PriceOptions, PriceTable } from "./price-table.ts";

/** Several budgets as one: a call counts against each, and none of them may be exceeded. */
class JointBudget extends Budget {
  readonly #budgets: readonly Budget[];

  constructor(budgets: readonly Budget[]) {
    super({});
    this.#budgets = budgets;
  }

  override get tokensLeft(): number {
    return Math.min(...this.#budgets.map(({ tokensLeft }) => tokensLeft));
  }

  override async start(signal: AbortSignal, expected: Pick<Spending, "tokens" | "cost">): Promise<CallUnderWay> {
    const calls: CallUnderWay[] = [];
    const end = (): void => {
      for (const call of calls) call.end();
    };
    // What one of them refuses does not count against the others.
    this.requireRoom();
    try {
      for (const budget of this.#budgets) calls.push(await budget.start(signal, expected));
    } catch (error) {
      end();
      throw error;
    }
    return { grow: (tokens, cost) => calls.forEach((call) => call.grow(tokens, cost)), end };
  }

  override again(): void {
    this.requireRoom();
    for (const budget of this.#budgets) budget.again();
  }

  override requireRoom(): void {
    for (const budget of this.#budgets) budget.requireRoom();
  }

  override spend(tokens: number, cost: number): void {
    const failures: unknown[] = [];
    for (const budget of this.#budgets) {
      try {
        budget.spend(tokens, cost);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  override noteFree(tokens: number): void {
    for (const budget of this.#budgets) budget.noteFree(tokens);
  }

  override requirePrice(model: string, prices: PriceTable | undefined, options?: PriceOptions): void {
    for (const budget of this.#budgets) budget.requirePrice(model, prices, options);
  }
}

/** The budgets as one; undefined where there is none. */
export function joinBudgets(...budgets: (Budget | undefined)[]): Budget | undefined {
  const given = [...new Set(budgets.filter((budget) => budget !== undefined))];
  return given.length > 1 ? new JointBudget(given) : given[0];
}
