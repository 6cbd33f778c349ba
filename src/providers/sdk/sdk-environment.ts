/** What the SDKs would read behind our back: keys, tokens, headers, organisations, log levels. */
const SDK_VARIABLE = /^(?:OPENAI|ANTHROPIC)_/;

/**
 * Runs `construct` while the environment holds none of the SDKs' variables, so that a client has exactly what it was
 * given. `construct` must be synchronous: then nobody else can see the gap.
 */
export function withoutSdkEnvironment<T>(construct: () => T): T {
  const hidden = new Map<string, string>();
  for (const [name, value] of Object.entries(process.env)) {
    if (!SDK_VARIABLE.test(name) || value === undefined) continue;
    hidden.set(name, value);
    delete process.env[name];
  }
  try {
    return construct();
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}
