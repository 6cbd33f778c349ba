import { Budget, type BudgetLimits, type Journal, type KeyValueStore, type Spending } from "../../index.ts";

const KEY = "spent";

type Call = Awaited<ReturnType<Budget["start"]>>;

/**
 * What an execution may spend in all of its attempts: what earlier ones have spent counts. It is kept in the journal, each
 * call before it begins, so that whoever ends the process gains nothing.
 */
export class ExecutionBudget extends Budget {
  readonly #store: KeyValueStore;
  #keeping: Promise<void> = Promise.resolve();

  private constructor(limits: BudgetLimits, store: KeyValueStore, earlier: Spending) {
    super(limits);
    this.#store = store;
    this.add(earlier.calls, earlier.tokens, earlier.cost);
  }

  /** undefined where nothing bounds what is spent. */
  static async open(journal: Journal, id: string, limits: BudgetLimits): Promise<ExecutionBudget | undefined> {
    const { maxCalls, maxTokens, maxCost } = limits;
    if (maxCalls === undefined && maxTokens === undefined && maxCost === undefined) return undefined;
    const store = journal.store(JSON.stringify(["budget of an execution", id, ""]));
    return new ExecutionBudget(limits, store, readSpending(await store.get(KEY)));
  }

  override async start(signal: AbortSignal, expected: Parameters<Budget["start"]>[1]): Promise<Call> {
    const call = await super.start(signal, expected);
    try {
      await this.#keep();
    } catch (error) {
      call.end();
      throw error;
    }
    return call;
  }

  protected override onEnd(): void {
    void this.#keep().catch(() => {});
  }

  /** Resolves when all that was spent is kept. */
  async settled(): Promise<void> {
    await this.#keeping.catch(() => {});
  }

  #keep(): Promise<void> {
    this.#keeping = this.#keeping.catch(() => {}).then(() => this.#store.set(KEY, this.spent));
    return this.#keeping;
  }
}

/** What a file holds may be anything. */
function readSpending(kept: unknown): Spending {
  const { calls, tokens, cost } = (kept ?? {}) as Partial<Record<keyof Spending, unknown>>;
  const count = (value: unknown): number => (typeof value === "number" && value >= 0 ? value : 0);
  return { calls: count(calls), tokens: count(tokens), cost: count(cost) };
}
