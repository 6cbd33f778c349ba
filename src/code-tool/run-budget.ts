import { Budget, type BudgetLimits, type CallUnderWay, type Spending } from "../providers/cost/budget.ts";
import type { PriceOptions, PriceTable } from "../providers/cost/price-table.ts";
import { GeppettoError } from "../shared/errors.ts";

/**
 * What the runs of one engine may spend on models, each anew. A request that a run has begun counts for that run; between
 * runs none may begin.
 */
export class RunBudget extends Budget {
  #current: Budget | undefined;

  constructor() {
    super({});
  }

  /** From here on a run spends this much; undefined when it is over. */
  open(limits: BudgetLimits | undefined): void {
    this.#current = limits && new Budget(limits);
  }

  override get spent(): Spending {
    return this.#current?.spent ?? { calls: 0, tokens: 0, cost: 0 };
  }

  override get free(): Pick<Spending, "calls" | "tokens"> {
    return this.#current?.free ?? { calls: 0, tokens: 0 };
  }

  override get tokensLeft(): number {
    return this.#of().tokensLeft;
  }

  override start(signal: AbortSignal, expected: Pick<Spending, "tokens" | "cost">): Promise<CallUnderWay> {
    return this.#of().start(signal, expected);
  }

  override again(): void {
    this.#of().again();
  }

  override requireRoom(): void {
    this.#of().requireRoom();
  }

  override spend(tokens: number, cost: number): void {
    this.#current?.spend(tokens, cost);
  }

  override noteFree(tokens: number): void {
    this.#current?.noteFree(tokens);
  }

  override requirePrice(model: string, prices: PriceTable | undefined, options?: PriceOptions): void {
    this.#of().requirePrice(model, prices, options);
  }

  #of(): Budget {
    if (this.#current !== undefined) return this.#current;
    throw new GeppettoError("AbortError", "Cannot ask a model: the run of the code is over", { code: "ERR_ABORTED" });
  }
}
