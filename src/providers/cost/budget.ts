import { waysToSet } from "../../config/table/names.ts";
import { GeppettoError } from "../../shared/errors.ts";
import { priceFor, type PriceOptions, type PriceTable } from "./price-table.ts";
import { Semaphore } from "../../base/semaphore.ts";
import { refuseWrong, type FieldsOf } from "../../shared/wrong-option.ts";

export interface BudgetLimits {
  /** Requests to models, those for embeddings and those that are made again included. */
  maxCalls?: number | undefined;
  /** Tokens in and out, of all calls together. */
  maxTokens?: number | undefined;
  /** US dollars, of all calls together; every model that is asked then needs a price. */
  maxCost?: number | undefined;
  /** Requests that are under way at once; more wait. */
  concurrency?: number | undefined;
}

export const BUDGET_FIELDS: FieldsOf<BudgetLimits> = {
  maxCalls: "amountOrNone",
  maxTokens: "amountOrNone",
  maxCost: "amountOrNone",
  concurrency: "amount",
};

export interface Spending {
  calls: number;
  tokens: number;
  cost: number;
}

/** A call that nobody has counted yet. What it takes meanwhile is estimated. */
export interface CallUnderWay {
  /**
   * It has taken so much more.
   *
   * @throws {GeppettoError} LimitError when that is far more than was left, so that no estimate is as wrong.
   */
  grow(tokens: number, cost: number): void;
  /** It is over, and its estimate does not count any more. Idempotent. */
  end(): void;
}

const NOTHING: Spending = { calls: 0, tokens: 0, cost: 0 };
/** An estimate of tokens may be so many times too large. */
const MAX_EXCESS = 2;

/** Most models without a price that are remembered by name: scripts choose the names. */
const MAX_UNPRICED = 20;

/**
 * What the calls to models may cost, in all. One budget may be shared by several providers and engines. A call that is
 * over a limit before it begins is not made; one that goes over it on the way fails when it ends, or before where it is far
 * over. What other calls under way have taken so far counts as well, by an estimate.
 */
export class Budget {
  readonly limits: BudgetLimits;
  readonly #places: Semaphore;
  readonly #spent: Spending = { ...NOTHING };
  /** Of calls under way. */
  readonly #estimated = { tokens: 0, cost: 0 };
  readonly #free = { calls: 0, tokens: 0 };
  readonly #unpriced = new Set<string>();

  /** @throws {GeppettoError} ConfigError for limits that are not numbers from 0, or no places at all. */
  constructor(limits: BudgetLimits) {
    refuseWrong("make a budget", limits, BUDGET_FIELDS);
    this.limits = limits;
    this.#places = new Semaphore(limits.concurrency ?? Infinity);
  }

  /** What has been spent so far. */
  get spent(): Spending {
    return { ...this.#spent };
  }

  /** What was asked of embedded models of embeddings, about: it counts against no limit. */
  get free(): Pick<Spending, "calls" | "tokens"> {
    return { ...this.#free };
  }

  /** Models that were asked although nobody knows what they cost: what was spent is more than {@link spent} says. */
  get unpriced(): readonly string[] {
    return [...this.#unpriced];
  }

  /** Tokens that are left; Infinity where there is no limit. */
  get tokensLeft(): number {
    return Math.max(0, (this.limits.maxTokens ?? Infinity) - this.spent.tokens - this.#estimated.tokens);
  }

  /**
   * Begins a call: waits for a place and counts it. Call what it resolves with when the call is over.
   *
   * @throws {GeppettoError} LimitError ERR_LIMIT_CALLS, ERR_LIMIT_TOKENS or ERR_LIMIT_COST.
   */
  async begin(signal: AbortSignal): Promise<() => void> {
    const call = await this.start(signal, NOTHING);
    return () => call.end();
  }

  /**
   * The same for a call that takes about so much from its beginning.
   *
   * @throws {GeppettoError} LimitError, likewise.
   */
  async start(signal: AbortSignal, expected: Pick<Spending, "tokens" | "cost">): Promise<CallUnderWay> {
    const release = await this.#places.acquire(signal);
    const own = { tokens: 0, cost: 0 };
    const estimated = this.#estimated;
    const leave = (): void => {
      estimated.tokens -= own.tokens;
      estimated.cost -= own.cost;
      own.tokens = own.cost = 0;
      release();
    };
    let isOver = false;
    const call: CallUnderWay = {
      grow: (tokens, cost) => {
        own.tokens += tokens;
        own.cost += cost;
        estimated.tokens += tokens;
        estimated.cost += cost;
        this.#requireLess(MAX_EXCESS);
      },
      end: () => {
        leave();
        if (!isOver) this.onEnd();
        isOver = true;
      },
    };
    try {
      this.requireRoom();
      call.grow(expected.tokens, expected.cost);
    } catch (error) {
      leave();
      throw error;
    }
    this.add(1, 0, 0);
    return call;
  }

  /** A call is over that had begun: whoever keeps elsewhere what was spent does so then. */
  protected onEnd(): void {}

  /**
   * Counts a request that is made again, in the place of the one that has failed.
   *
   * @throws {GeppettoError} LimitError where no further call may begin; see {@link begin}.
   */
  again(): void {
    this.requireRoom();
    this.add(1, 0, 0);
  }

  /** @throws {GeppettoError} LimitError where no further call may begin; see {@link begin}. */
  requireRoom(): void {
    const { maxCalls, maxTokens, maxCost } = this.limits;
    const { calls, tokens, cost } = this.spent;
    if (maxCalls !== undefined && calls >= maxCalls) throw exceeded("maxCalls", maxCalls);
    if (maxTokens !== undefined && tokens + this.#estimated.tokens >= maxTokens) throw exceeded("maxTokens", maxTokens);
    if (maxCost !== undefined && cost + this.#estimated.cost >= maxCost) throw exceeded("maxCost", maxCost);
  }

  /** @throws {GeppettoError} LimitError where too much is spent even if what is estimated is so many times too large. */
  #requireLess(times: number): void {
    const { maxTokens, maxCost } = this.limits;
    const { tokens, cost } = this.spent;
    const estimated = this.#estimated;
    if (maxTokens !== undefined && tokens + estimated.tokens / times > maxTokens)
      throw exceeded("maxTokens", maxTokens);
    if (maxCost !== undefined && cost + estimated.cost / times > maxCost) throw exceeded("maxCost", maxCost);
  }

  /** @throws {GeppettoError} LimitError when these tokens, or their cost, are more than was left. */
  spend(tokens: number, cost: number): void {
    this.add(0, tokens, cost);
    const { maxTokens, maxCost } = this.limits;
    const { spent } = this;
    if (maxTokens !== undefined && spent.tokens > maxTokens) throw exceeded("maxTokens", maxTokens);
    if (maxCost !== undefined && spent.cost > maxCost) throw exceeded("maxCost", maxCost);
  }

  /** Adds to what has been spent. */
  protected add(calls: number, tokens: number, cost: number): void {
    this.#spent.calls += calls;
    this.#spent.tokens += tokens;
    this.#spent.cost += cost;
  }

  /** Counts a call that costs nothing and that no limit is for. */
  noteFree(tokens: number): void {
    this.#free.calls++;
    this.#free.tokens += tokens;
  }

  /** @throws {GeppettoError} ConfigError when cost is limited and nobody knows what the model costs. */
  requirePrice(model: string, prices: PriceTable | undefined, { isLocal = false }: PriceOptions = {}): void {
    if (isLocal || priceFor(model, prices) !== undefined) return;
    if (this.limits.maxCost === undefined) {
      if (this.#unpriced.size < MAX_UNPRICED) this.#unpriced.add(model);
      return;
    }
    throw new GeppettoError(
      "ConfigError",
      `Cannot keep to a cost of ${this.limits.maxCost} US dollars: "${model}" has no price; set one under prices, in dollars per million tokens`,
      { code: "ERR_NO_PRICE" },
    );
  }
}

/** @throws {GeppettoError} ConfigError for what is given as a budget and is none. `what` is what was to be done: "set up chat". */
export function requireBudget(what: string, budget: unknown): void {
  if (budget === undefined || budget instanceof Budget) return;
  throw new GeppettoError("ConfigError", `Cannot ${what}: budget must be a Budget: make one with new Budget()`);
}

const LIMITS = {
  maxCalls: { code: "ERR_LIMIT_CALLS", unit: "model calls" },
  maxTokens: { code: "ERR_LIMIT_TOKENS", unit: "tokens" },
  maxCost: { code: "ERR_LIMIT_COST", unit: "US dollars" },
} as const;

function exceeded(limit: keyof typeof LIMITS, value: number): GeppettoError {
  const { code, unit } = LIMITS[limit];
  const message = `The script exceeded its limit of ${value} ${unit}; raise it with ${waysToSet(`limits.${limit}`)}`;
  return new GeppettoError("LimitError", message, { code });
}
