import { AsyncLocalStorage } from "node:async_hooks";
import { availableParallelism } from "node:os";
import { Drain, type CloseOptions } from "../src/base/drain.ts";
import { openTelemetry } from "../src/base/telemetry/open-telemetry.ts";
import type { Telemetry } from "../src/base/telemetry/trace.ts";
import { hostTime } from "../src/base/time/host-time.ts";
import { checkOptions, checkRunOptions, RUN_OPTIONS, type RunScriptOptions } from "../src/engine/engine-options.ts";
import { closedError } from "../src/engine/engine-errors.ts";
import type { SetupFunction } from "../src/engine/engine.ts";
import type { Script } from "../src/engine/script/load-script.ts";
import { abortedError, failedOutcome, type ScriptOutcome } from "../src/engine/script/script-run.ts";
import { DEFAULT_LIMITS } from "../src/engine/limits.ts";
import type { Budget } from "../src/providers/cost/budget.ts";
import { TenantChildren } from "../src/sandbox/child-shelf.ts";
import { dropSpares, prestart } from "../src/sandbox/child.ts";
import { GeppettoError } from "../src/shared/errors.ts";
import { refuseWrong, type FieldsOf } from "../src/shared/wrong-option.ts";
import type { ConsoleSink } from "./console.ts";
import { RuntimeEngine, type RuntimeEngineOptions } from "./runtime-engine.ts";
import { TenantQueue } from "./tenant-queue.ts";

export interface TenantQuota {
  /** Scripts of one tenant that may run at a time; default as many as the pool. */
  running?: number;
  /** Scripts of one tenant that may wait; more are refused. Default 1,000. */
  waiting?: number;
}

export interface EnginePoolOptions extends RuntimeEngineOptions {
  /** Scripts that run at a time, and processes kept ready for the next; default as many as there are processors. */
  size?: number;
  quota?: TenantQuota;
  /**
   * "never" (default): each script has a process of its own. "tenant": the scripts of one named tenant have fresh isolates
   * in the same process, one after the other, which is ten times faster. What that gives up: see docs/security.md. A script
   * without a tenant's name has a process of its own in either case. Process isolation only.
   */
  reuse?: "never" | "tenant";
}

export interface PoolRunOptions extends RunScriptOptions {
  /** Whose script it is: tenants are served round robin. Default "". */
  tenant?: string;
  /** Where this script's output goes; default where that of the pool does. */
  console?: ConsoleSink;
  /** Setup functions for this script, after those of the pool. */
  setup?: readonly SetupFunction[];
  /** What this script's calls to models may cost, for example the tenant's own budget; whatever else bounds them counts too. */
  budget?: Budget;
}

const POOL_RUN_OPTIONS: FieldsOf<PoolRunOptions> = { ...RUN_OPTIONS, console: true, setup: true, budget: true };

export interface PoolStats {
  running: number;
  waiting: number;
  /** Tenants that have anything running or waiting. */
  tenants: number;
}

/** How often a script is given to an engine before the death of an engine counts. */
const MAX_TRIES = 3;

/** What an engine dies of. */
const RETRIED: ReadonlySet<unknown> = new Set(["ERR_ENGINE_START", "ERR_ENGINE_CRASHED"]);

interface Attempt {
  outcome?: ScriptOutcome;
  error?: unknown;
  /** Some line of the script may have run. */
  hasBegun: boolean;
}

/**
 * Runs each script in an engine of its own, made for it and closed after it: no script sees another one. At
 * most `size` run at a time; tenants that wait are served round robin, one script each, whatever the length of their
 * queues. All that is done for a script (ops, tools, sinks …) is done in the asynchronous context of whoever called `run`.
 *
 * @example
 * await using pool = new EnginePool({ size: 4, limits: { wallMs: 10_000 }, setup: [setupDefaults()] });
 * const outcome = await pool.run({ code: "export default 6 * 7" }, { tenant: "anna" });
 */
export class EnginePool implements AsyncDisposable {
  readonly #options: RuntimeEngineOptions;
  readonly #children: TenantChildren | undefined;
  readonly #size: number;
  readonly #maxWaiting: number;
  readonly #queue: TenantQueue;
  readonly #telemetry: Promise<Telemetry> | undefined;
  /** Of the scripts that wait or run. */
  readonly #drain: Drain = new Drain(() => this.#abortAll());
  /** Engines that are not ready yet: their setup functions may take any time. */
  readonly #starting = new Set<RuntimeEngine>();
  readonly #abort = new AbortController();
  #isClosed = false;
  #closing: Promise<void> | undefined;

  /** @throws {GeppettoError} ConfigError for options that no engine takes, a size or a quota that is not a count. */
  constructor(given: EnginePoolOptions = {}) {
    checkOptions(given, { size: "count", quota: true, reuse: true });
    const { size = availableParallelism(), quota = {}, reuse = "never", ...options } = given;
    refuseWrong("make a pool with this quota", quota, { running: "count", waiting: "count" });
    const { running = size, waiting = 1_000 } = quota;
    requireReuse(reuse, options.isolation);
    // What an engine refuses is refused now, and not script by script.
    void new RuntimeEngine(options);
    this.#size = size;
    this.#maxWaiting = waiting;
    this.#queue = new TenantQueue({ size, perTenant: running });
    this.#options = options;
    this.#telemetry = openTelemetry(options.telemetry);
    // What is missing is an error of each script.
    this.#telemetry?.catch(() => {});
    if (reuse === "tenant") this.#children = new TenantChildren(size);
    this.#prestart();
  }

  /**
   * Runs a script when an engine is free and the tenant is next. How it fails, or is killed, is part of the outcome; so
   * is a process that cannot be started for it (`crashed`, ERR_ENGINE_START).
   *
   * @throws {GeppettoError} LimitError when the tenant has too many scripts waiting; ERR_ENGINE_CLOSED when the pool is
   *   closed; the signal's reason when it is aborted before the script has begun; and what fails on the host's side.
   */
  run(script: Script, options: PoolRunOptions = {}): Promise<ScriptOutcome> {
    try {
      checkRunOptions(options, POOL_RUN_OPTIONS);
      if (!Array.isArray(options.setup ?? []))
        throw new GeppettoError("ConfigError", "Cannot run the script: setup must be a list of functions");
    } catch (wrong) {
      return Promise.reject(wrong);
    }
    const { tenant = "", signal } = options;
    if (this.#isClosed) return Promise.reject(closedError());
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const waiting = this.#queue.waitingOf(tenant);
    if (waiting >= this.#maxWaiting) {
      const message = `Cannot queue the script: ${waiting} of the tenant are waiting already; raise it with quota.waiting`;
      return Promise.reject(new GeppettoError("LimitError", message, { code: "ERR_LIMIT_QUEUE" }));
    }
    const { promise, resolve, reject } = Promise.withResolvers<ScriptOutcome>();
    void this.#drain.track(promise);
    // Whatever ends another script begins this one: it must not run in that one's context.
    const inContext = AsyncLocalStorage.snapshot();
    let leave = (): void => {};
    this.#measure("waiting", 1);
    const withdraw = (): void => {
      leave();
      this.#measure("waiting", -1);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", withdraw, { once: true });
    leave = this.#queue.add(tenant, {
      begin: () =>
        inContext(async () => {
          signal?.removeEventListener("abort", withdraw);
          this.#measure("waiting", -1);
          this.#measure("running", 1);
          try {
            resolve(await this.#runFresh(script, { ...options, tenant }));
          } catch (error) {
            reject(error);
          } finally {
            this.#measure("running", -1);
          }
        }),
      refuse: (reason) => {
        this.#measure("waiting", -1);
        reject(reason);
      },
    });
    return promise;
  }

  stats(): PoolStats {
    const { running, waiting, tenants } = this.#queue;
    return { running, waiting, tenants };
  }

  /**
   * Takes no new scripts. Those that there are may go on for `drainMs`; then those that run are aborted
   * (`end: "aborted"`), and those that wait are refused. Resolves when all have ended. Idempotent; a later call with a
   * shorter time shortens it.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    refuseWrong("close the pool", options, { drainMs: "pause" });
    const { drainMs = 0 } = options;
    this.#drain.allow(drainMs);
    this.#isClosed = true;
    await (this.#closing ??= this.#end());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** In order, whenever it is known who hears of it. */
  #measure(metric: "waiting" | "running", change: number): void {
    void this.#telemetry?.then(
      (telemetry) => telemetry.measure(metric, change),
      () => {},
    );
  }

  #abortAll(): void {
    this.#queue.refuseAll(closedError);
    this.#abort.abort();
    for (const engine of this.#starting) void engine.close();
  }

  async #end(): Promise<void> {
    await this.#drain.ended();
    this.#drain.close();
    this.#children?.close();
    dropSpares();
  }

  /** Runs it in a fresh engine; in another one where the first has died before any line of the script had run. */
  async #runFresh(script: Script, options: PoolRunOptions): Promise<ScriptOutcome> {
    const leave = hostTime.enter(options.tenant ?? "");
    try {
      for (let tries = 1; ; tries++) {
        const { outcome, error, hasBegun } = await this.#runOnce(script, options);
        const code = outcome?.error?.code ?? (error as { code?: unknown } | undefined)?.code;
        const mayTryAgain = tries < MAX_TRIES && !hasBegun && !this.#abort.signal.aborted;
        if (mayTryAgain && RETRIED.has(code)) continue;
        if (outcome !== undefined) return outcome;
        // Killed before it had anything to run, time and again: how it ended all the same.
        if (error instanceof GeppettoError && RETRIED.has(code)) return failedOutcome("crashed", error);
        throw error;
      }
    } finally {
      leave();
    }
  }

  async #runOnce(script: Script, { console, setup = [], budget, ...options }: PoolRunOptions): Promise<Attempt> {
    const { signal, tenant = "" } = options;
    const engine = new RuntimeEngine(
      {
        ...this.#options,
        setup: [...(this.#options.setup ?? []), ...setup],
        ...(console === undefined ? {} : { console }),
        ...(budget === undefined ? {} : { budget }),
      },
      tenant === "" ? undefined : this.#children?.of(tenant),
    );
    const closing = this.#abort.signal;
    this.#starting.add(engine);
    // A script has no say yet in how long the setup functions take.
    const onAbort = (): void => void engine.close().catch(() => {});
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await engine.start();
      signal?.removeEventListener("abort", onAbort);
      this.#starting.delete(engine);
      this.#prestart();
      const ended = signal ? AbortSignal.any([signal, closing]) : closing;
      return { outcome: await engine.runScript(script, { ...options, signal: ended }), hasBegun: engine.hasBegun };
    } catch (error) {
      if (closing.aborted) return { outcome: failedOutcome("aborted", abortedError()), hasBegun: engine.hasBegun };
      const isWithdrawn = signal?.aborted === true && !engine.hasBegun;
      return { error: isWithdrawn ? signal.reason : error, hasBegun: engine.hasBegun };
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#starting.delete(engine);
      await engine.close();
    }
  }

  #prestart(): void {
    const { isolation = "process", hardening = "standard", limits } = this.#options;
    if (isolation !== "process" || this.#isClosed) return;
    prestart(this.#size, { hardening, memoryMB: limits?.memoryMB ?? DEFAULT_LIMITS.memoryMB });
  }
}

function requireReuse(reuse: unknown, isolation: RuntimeEngineOptions["isolation"]): void {
  if (reuse === "never" || (reuse === "tenant" && isolation !== "thread")) return;
  throw new GeppettoError(
    "ConfigError",
    reuse === "tenant"
      ? 'Cannot make a pool: reuse "tenant" needs a process; a thread is never used twice'
      : `Cannot make a pool: reuse must be "never" or "tenant", got ${JSON.stringify(reuse)}`,
  );
}
