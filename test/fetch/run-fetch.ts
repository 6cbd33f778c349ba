import { RuntimeEngine, setupDefaults, type RuntimeEngineOptions, type ScriptOutcome } from "../../src/index.ts";
import type { FetchSettings, PermissionUse } from "../../src/index.ts";

export interface FetchRun extends FetchSettings {
  net?: readonly string[] | true;
  isolation?: "process" | "thread";
  limits?: RuntimeEngineOptions["limits"];
  onPermission?: (use: PermissionUse) => void;
}

/** Runs a script that fetches, in an engine of its own. */
export async function runFetch(
  code: string,
  { net = [], isolation = "thread", limits = {}, onPermission, ...settings }: FetchRun = {},
): Promise<ScriptOutcome> {
  await using engine = new RuntimeEngine({
    isolation,
    limits: { wallMs: 60_000, ...limits },
    permissions: { net },
    ...(onPermission === undefined ? {} : { onPermission }),
    console: { stdout() {}, stderr() {} },
    setup: [setupDefaults(settings)],
  });
  await engine.start();
  return await engine.runScript({ code });
}

/** What a script that ends with `export default` gives. */
export async function valueOf(code: string, options: FetchRun = {}): Promise<unknown> {
  const outcome = await runFetch(code, options);
  if (!outcome.ok) throw new Error(`${outcome.end}: ${outcome.error?.message}`);
  return outcome.value;
}

/** A function of scripts: what a promise rejects with, as [name, code, message]. */
export const REJECTION = `const rejection = (promise) => promise.then(() => "resolved", (e) => [e.name, e.code, e.message]);`;
