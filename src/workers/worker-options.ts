import type { EnginePoolOptions } from "../../runtime-setup/engine-pool.ts";
import type { Logger } from "../base/logger.ts";
import type { NatsAccess } from "../journal/executions/nats/nats-options.ts";
import type { BudgetLimits } from "../providers/cost/budget.ts";
import type { FieldsOf } from "../shared/wrong-option.ts";

export interface WorkerOptions {
  nats: NatsAccess;
  /** Whose jobs it takes; default "default". */
  pool?: string;
  /** Jobs that it runs at a time; default as many as there are processors. */
  slots?: number;
  /** No two workers of a pool have the same one at a time; default the machine's name and the process's number. */
  name?: string;
  /**
   * What its engines are made with: permissions, limits, ops, models. All that scripts may do is said here; nothing of it is
   * the submitter's to say. Default: nothing is allowed, and there is no model.
   */
  engine?: Omit<EnginePoolOptions, "size">;
  /** Shares of tenants, in whole numbers; default 1. */
  weights?: Readonly<Record<string, number>>;
  /** What each tenant's calls to models may cost in all, on all machines together; for those that are not named, `"*"`. */
  budgets?: Readonly<Record<string, BudgetLimits>>;
  /** How long a suspended execution may have to wait at least, in milliseconds; see `suspendAfterMs` of `runScript`. */
  suspendAfterMs?: number;
  /** How long a worker may be silent before others take over its jobs, in milliseconds; default 15,000. The same for all of a server. */
  silenceMs?: number;
  /**
   * After how many attempts in a row that ended with their worker or guest, and got no further, a job is set aside; default 3.
   * More where workers are lost for reasons of their own.
   */
  maxLost?: number;
  logger?: Logger;
}

export const WORKER_FIELDS: FieldsOf<WorkerOptions> = {
  nats: true,
  pool: true,
  slots: "count",
  name: true,
  engine: true,
  weights: true,
  budgets: true,
  suspendAfterMs: "amountOrNone",
  silenceMs: "milliseconds",
  maxLost: "amount",
  logger: true,
};

export interface WorkerStats {
  /** Jobs at work now. */
  running: number;
  /** Attempts that were begun here, and those of them that ended or were suspended. */
  begun: number;
  done: number;
}
