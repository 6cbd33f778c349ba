import { availableParallelism } from "node:os";
import type { RunScriptOptions } from "../src/engine/engine-options.ts";
import { closedError } from "../src/engine/engine-errors.ts";
import type { Script } from "../src/engine/script/load-script.ts";
import type { ScriptOutcome } from "../src/engine/script/script-run.ts";
import { DEFAULT_LIMITS } from "../src/engine/limits.ts";
import { dropSpares, prestart } from "../src/sandbox/child.ts";
import { GeppettoError } from "../src/shared/errors.ts";
import { RuntimeEngine, type RuntimeEngineOptions } from "./runtime-engine.ts";

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
}

export interface PoolRunOptions extends RunScriptOptions {
  /** Whose script it is: tenants are served round robin. Default "". */
  tenant?: string;
}

export interface PoolStats {
  running: number;
  waiting: number;
  /** Tenants that have anything running or waiting. */
  tenants: number;
}

interface Job {
  begin(): Promise<void>;
  refuse(reason: unknown): void;
}

interface Tenant {
  running: number;
  readonly waiting: Job[];
}

/**
 * Runs each script in an engine of its own, made for it and closed after it: nothing passes from one to the next. At
 * most `size` run at a time; tenants that wait are served round robin, one script each, whatever the length of their queues.
 *
 * @example
 * await using pool = new EnginePool({ size: 4, limits: { wallMs: 10_000 }, setup: [setupDefaults()] });
 * const outcome = await pool.run({ code: "export default 6 * 7" }, { tenant: "anna" });
 */
export class EnginePool implements AsyncDisposable {
  readonly #options: RuntimeEngineOptions;
  readonly #size: number;
  readonly #quota: Required<TenantQuota>;
  /** In round-robin order: who has begun a script goes to the end. */
  readonly #tenants = new Map<string, Tenant>();
  readonly #engines = new Set<RuntimeEngine>();
  #running = 0;
  #closed = false;

  constructor({ size = availableParallelism(), quota = {}, ...options }: EnginePoolOptions = {}) {
    if (!(Number.isInteger(size) && size > 0)) {
      throw new GeppettoError("ConfigError", `Cannot make a pool of size ${size}: it must be a positive integer`);
    }
    this.#size = size;
    this.#quota = { running: quota.running ?? size, waiting: quota.waiting ?? 1_000 };
    this.#options = options;
    this.#prestart();
  }

  /**
   * Runs a script when an engine is free and the tenant is next. How it fails is part of the outcome.
   *
   * @throws {GeppettoError} LimitError when the tenant has too many scripts waiting; the signal's reason when it is
   *   aborted before the script has begun; and what `runScript` throws.
   */
  run(script: Script, { tenant: name = "", ...options }: PoolRunOptions = {}): Promise<ScriptOutcome> {
    if (this.#closed) return Promise.reject(closedError());
    const tenant = this.#tenants.get(name) ?? { running: 0, waiting: [] };
    if (tenant.waiting.length >= this.#quota.waiting) {
      const message = `Cannot queue the script: ${tenant.waiting.length} of the tenant are waiting already; raise it with quota.waiting`;
      return Promise.reject(new GeppettoError("LimitError", message, { code: "ERR_LIMIT_QUEUE" }));
    }
    const { promise, resolve, reject } = Promise.withResolvers<ScriptOutcome>();
    const { signal } = options;
    const job: Job = {
      begin: async () => {
        signal?.removeEventListener("abort", withdraw);
        try {
          resolve(await this.#runFresh(script, options, name));
        } catch (error) {
          reject(error);
        }
      },
      refuse: reject,
    };
    const withdraw = (): void => {
      const at = tenant.waiting.indexOf(job);
      if (at >= 0) tenant.waiting.splice(at, 1);
      this.#forget(name, tenant);
      reject(signal?.reason);
    };
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    signal?.addEventListener("abort", withdraw, { once: true });
    this.#tenants.set(name, tenant);
    tenant.waiting.push(job);
    this.#pump();
    return promise;
  }

  stats(): PoolStats {
    let waiting = 0;
    for (const tenant of this.#tenants.values()) waiting += tenant.waiting.length;
    return { running: this.#running, waiting, tenants: this.#tenants.size };
  }

  /** Refuses what waits, ends what runs. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const tenant of this.#tenants.values()) for (const job of tenant.waiting.splice(0)) job.refuse(closedError());
    await Promise.all([...this.#engines].map((engine) => engine.close()));
    dropSpares();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #pump(): void {
    for (const [name, tenant] of this.#tenants) {
      if (this.#running >= this.#size) return;
      if (tenant.running >= this.#quota.running) continue;
      const job = tenant.waiting.shift();
      if (job === undefined) continue;
      // It goes to the end of the line; the loop meets it again there.
      this.#tenants.delete(name);
      this.#tenants.set(name, tenant);
      tenant.running++;
      this.#running++;
      void job.begin().then(() => {
        tenant.running--;
        this.#running--;
        this.#forget(name, tenant);
        this.#pump();
      });
    }
  }

  #forget(name: string, tenant: Tenant): void {
    if (tenant.running === 0 && tenant.waiting.length === 0) this.#tenants.delete(name);
  }

  async #runFresh(script: Script, options: RunScriptOptions, tenant: string): Promise<ScriptOutcome> {
    const { onPermission } = this.#options;
    const engine = new RuntimeEngine({
      ...this.#options,
      ...(onPermission === undefined ? {} : { onPermission: (use) => onPermission({ ...use, tenant }) }),
    });
    this.#engines.add(engine);
    try {
      await engine.start();
      this.#prestart();
      return await engine.runScript(script, options);
    } finally {
      this.#engines.delete(engine);
      await engine.close();
    }
  }

  #prestart(): void {
    const { isolation = "process", hardening = "standard", limits } = this.#options;
    if (isolation !== "process" || this.#closed) return;
    prestart(this.#size, { hardening, memoryMB: limits?.memoryMB ?? DEFAULT_LIMITS.memoryMB });
  }
}
