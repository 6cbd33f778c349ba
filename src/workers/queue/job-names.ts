/** What the parts of a queue are called on the server. */
export interface JobNames {
  /** The stream of jobs that wait. */
  jobs: string;
  /** Buckets: what was submitted, attempts that were begun and have not ended, which workers are there, when suspended executions are due, what tenants have spent. */
  submitted: string;
  workers: string;
  timers: string;
  attempts: string;
  budgets: string;
  /** The store of sources. */
  sources: string;
  job(pool: string, tenant: string): string;
  tenantOf(subject: string): string;
  /** Where it is kept what was submitted as this execution; of all of them with "*". */
  submittedAs(id: string): string;
}

export function jobNames(prefix: string): JobNames {
  return {
    jobs: `${prefix}_jobs`,
    submitted: `${prefix}_submitted`,
    workers: `${prefix}_workers`,
    timers: `${prefix}_timers`,
    attempts: `${prefix}_attempts`,
    budgets: `${prefix}_budgets`,
    sources: `${prefix}_sources`,
    job: (pool, tenant) => `${prefix}.job.${pool}.${tenant}`,
    tenantOf: (subject) => subject.split(".")[3]!,
    submittedAs: (id) => `$KV.${prefix}_submitted.${id === "*" ? id : keyOfId(id)}`,
  };
}

/** The key of an execution in a bucket: an id may have colons, and dots anywhere; a key may not. */
export function keyOfId(id: string): string {
  return id.replace(/[.:]/g, (char) => (char === "." ? "=2E" : "=3A"));
}

export function idOfKey(key: string): string {
  return key.replaceAll("=2E", ".").replaceAll("=3A", ":");
}
