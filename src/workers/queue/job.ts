import { z } from "zod";
import { GeppettoError } from "../../shared/errors.ts";

/** Longest input, and most characters of arguments and variables together, that are submitted. */
const MAX_INPUT = 500_000;
const MAX_TEXTS = 100_000;

const name = z.string().min(1).max(64);

const job = z.strictObject({
  /** The execution's. */
  id: z.string().max(128),
  /** Where its source is, and under which name it runs. */
  source: z.string().regex(/^[0-9a-f]{64}$/),
  script: z.string().min(1).max(512),
  tenant: z.string().max(128),
  pool: name,
  args: z.array(z.string()).max(1000),
  env: z.record(z.string(), z.string()),
  input: z.string().max(MAX_INPUT).optional(),
  /** Milliseconds since the epoch, by the clock of whoever submitted it. */
  submittedAt: z.number(),
  /** The trace that it belongs to. */
  trace: z.record(z.string(), z.string().max(1024)),
});

/** What was submitted. It names nothing of what its script may do: that is for whoever runs the worker to say. */
export type Job = z.infer<typeof job>;

/** @throws {GeppettoError} ValidationError for what cannot be a job. */
export function checkJob(value: unknown): Job {
  const found = job.safeParse(value);
  if (!found.success) {
    const [issue] = found.error.issues;
    throw unfit(`${issue!.path.join(".") || "the job"}: ${issue!.message}`);
  }
  const texts = [...found.data.args, ...Object.entries(found.data.env).flat()];
  if (texts.reduce((sum, text) => sum + text.length, 0) > MAX_TEXTS)
    throw unfit(`its arguments and variables have more than ${MAX_TEXTS} characters`);
  return found.data;
}

/** What was submitted as this execution. @throws {GeppettoError} ValidationError for what nobody can have submitted so. */
export function readJob(id: string, text: string): Job {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unfit("it is not JSON");
  }
  const found = checkJob(value);
  if (found.id !== id) throw unfit("it is kept under another id");
  checkNames(found);
  return found;
}

const POOL = /^[\w-]{1,64}$/;
const TENANT = /^[\w-]{1,64}$/;

export function isTenant(name: string): boolean {
  return TENANT.test(name);
}

/** @throws {GeppettoError} ValidationError for a name that no subject can have. */
export function checkNames({ pool, tenant }: Pick<Job, "pool" | "tenant">): void {
  if (!POOL.test(pool)) throw unfit('the name of a pool has 1 to 64 letters, digits, "-" and "_"');
  if (!isTenant(tenant)) throw unfit('the name of a tenant has 1 to 64 letters, digits, "-" and "_"');
}

function unfit(why: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot submit the script: ${why}`);
}
