/** A script that waits for its turn. */
export interface Job {
  /** Runs it; never rejects. */
  begin(): Promise<void>;
  /** It will not be run. */
  refuse(reason: unknown): void;
}

interface Tenant {
  running: number;
  readonly waiting: Job[];
}

export interface TenantQueueOptions {
  /** Jobs that may run at a time, of all tenants. */
  size: number;
  /** Likewise, of one. */
  perTenant: number;
}

/** Has the jobs of several tenants take turns: one each, whatever the length of their queues. */
export class TenantQueue {
  readonly #options: TenantQueueOptions;
  /** In round-robin order: who has begun a job goes to the end. */
  readonly #tenants = new Map<string, Tenant>();
  #running = 0;

  constructor(options: TenantQueueOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    let waiting = 0;
    for (const tenant of this.#tenants.values()) waiting += tenant.waiting.length;
    return waiting;
  }

  /** Tenants that have anything running or waiting. */
  get tenants(): number {
    return this.#tenants.size;
  }

  waitingOf(name: string): number {
    return this.#tenants.get(name)?.waiting.length ?? 0;
  }

  /** Adds a job, and begins it where it may run. Returns what takes it out again as long as it waits. */
  add(name: string, job: Job): () => void {
    const tenant = this.#tenants.get(name) ?? { running: 0, waiting: [] };
    this.#tenants.set(name, tenant);
    tenant.waiting.push(job);
    this.#pump();
    return () => {
      const at = tenant.waiting.indexOf(job);
      if (at >= 0) tenant.waiting.splice(at, 1);
      this.#forget(name, tenant);
    };
  }

  /** Refuses all that wait. */
  refuseAll(reason: () => unknown): void {
    for (const [name, tenant] of this.#tenants) {
      for (const job of tenant.waiting.splice(0)) job.refuse(reason());
      this.#forget(name, tenant);
    }
  }

  #pump(): void {
    for (const [name, tenant] of this.#tenants) {
      if (this.#running >= this.#options.size) return;
      if (tenant.running >= this.#options.perTenant) continue;
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
    if (tenant.running === 0 && tenant.waiting.length === 0 && this.#tenants.get(name) === tenant) {
      this.#tenants.delete(name);
    }
  }
}
