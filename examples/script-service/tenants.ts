import { Budget } from "geppetto-js";
import { z } from "zod";

export interface Tenant {
  name: string;
  /** Tools that the tenant's scripts may have called. */
  tools: string[];
  /** One for all scripts of the tenant. */
  budget: Budget;
}

const CONFIG = z.record(
  z.string(),
  z.strictObject({
    name: z.string(),
    tools: z.array(z.string()).default([]),
    maxCalls: z.number().int().positive().default(1_000),
  }),
);

/** Tenants by their keys, as the environment names them. */
export function readTenants(json: string): Map<string, Tenant> {
  const tenants = new Map<string, Tenant>();
  for (const [key, { name, tools, maxCalls }] of Object.entries(CONFIG.parse(JSON.parse(json)))) {
    tenants.set(key, { name, tools, budget: new Budget({ maxCalls }) });
  }
  return tenants;
}

/** Whose request it is, by its "authorization: Bearer …". */
export function tenantOf(tenants: ReadonlyMap<string, Tenant>, authorization: string | undefined): Tenant | undefined {
  return tenants.get(/^Bearer (.+)$/.exec(authorization ?? "")?.[1] ?? "");
}
