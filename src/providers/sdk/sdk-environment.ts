import { VENDOR_VARIABLES } from "../vendors.ts";

/** What the SDKs would read behind our back: keys, tokens, headers, organisations, log levels. */
const PREFIXES = VENDOR_VARIABLES.map((name) => name.slice(0, name.indexOf("_") + 1));

/**
 * Runs `construct` while the environment holds none of the SDKs' variables, so that a client has exactly what it was
 * given. `construct` must be synchronous: then nobody else can see the gap.
 */
export function withoutSdkEnvironment<T>(construct: () => T): T {
  const hidden = new Map<string, string>();
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined || !PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    hidden.set(name, value);
    delete process.env[name];
  }
  try {
    return construct();
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}
