import { z } from "zod";
import { Budget, type BudgetLimits, type CallUnderWay, type Spending } from "../providers/cost/budget.ts";
import { GeppettoError } from "../shared/errors.ts";
import { putAfter, type JobQueue } from "./queue/job-queue.ts";

const amount = z.number().nonnegative();
const spending = z.object({ calls: amount, tokens: amount, cost: amount });
const NOTHING: Spending = { calls: 0, tokens: 0, cost: 0 };
/** Two that write at the same moment: one of them tries again, so many times. */
const MAX_TRIES = 20;

/**
 * What one tenant's calls may cost on all machines together. What was spent is kept on the server; each call asks there
 * before it begins. What is under way elsewhere at that moment is known only when it has ended.
 */
export class SharedBudget extends Budget {
  readonly #queue: JobQueue;
  readonly #key: string;
  /** What was spent by others and by calls that are kept, as of the last time that somebody asked. */
  #known: Spending = NOTHING;
  /** What was spent here and is not kept yet. */
  #own: Spending = { ...NOTHING };
  #keeping: Promise<void> | undefined;

  constructor(queue: JobQueue, tenant: string, limits: BudgetLimits) {
    super(limits);
    this.#queue = queue;
    this.#key = tenant;
  }

  override get spent(): Spending {
    return sum(this.#known, this.#own);
  }

  override async start(signal: AbortSignal, expected: Pick<Spending, "tokens" | "cost">): Promise<CallUnderWay> {
    await this.keep();
    return super.start(signal, expected);
  }

  protected override onEnd(): void {
    void this.keep().catch(() => {});
  }

  protected override add(calls: number, tokens: number, cost: number): void {
    this.#own.calls += calls;
    this.#own.tokens += tokens;
    this.#own.cost += cost;
  }

  /** Adds what was spent here to what is kept, and hears what others have spent. */
  async keep(): Promise<void> {
    // What was spent since the last one began is not in it.
    while (this.#keeping !== undefined) await this.#keeping;
    this.#keeping = this.#keep().finally(() => (this.#keeping = undefined));
    await this.#keeping;
  }

  async #keep(): Promise<void> {
    const { budgets, link } = this.#queue;
    const added = this.#own;
    this.#own = { ...NOTHING };
    try {
      for (let tries = 1; ; tries++) {
        const entry = await link.ask(() => budgets.get(this.#key));
        const before = entry === null || entry.operation !== "PUT" ? NOTHING : readSpending(this.#key, entry.string());
        const after = sum(before, added);
        this.#known = after;
        if (added.calls === 0 && added.tokens === 0 && added.cost === 0) return;
        try {
          await link.ask(() => putAfter(budgets, entry, this.#key, JSON.stringify(after)));
          return;
        } catch (error) {
          if (tries >= MAX_TRIES) throw error;
        }
      }
    } catch (error) {
      this.#own = sum(this.#own, added);
      throw error;
    }
  }
}

function sum(a: Spending, b: Spending): Spending {
  return { calls: a.calls + b.calls, tokens: a.tokens + b.tokens, cost: a.cost + b.cost };
}

/** @throws {GeppettoError} ERR_JOURNAL for what nobody can have kept: nothing is given away for that. */
function readSpending(tenant: string, text: string): Spending {
  try {
    return spending.parse(JSON.parse(text));
  } catch (error) {
    throw new GeppettoError("StepError", `Cannot ask a model: what the tenant ${tenant} has spent is damaged`, {
      code: "ERR_JOURNAL",
      cause: error,
    });
  }
}
