import { fileURLToPath } from "node:url";
import {
  RuntimeEngine,
  setupDefaults,
  type RunScriptOptions,
  type RuntimeEngineOptions,
  type ScriptOutcome,
} from "../../src/index.ts";
import type { DefaultsSettings, McpServer, McpSettings, StdioServer } from "../../src/index.ts";

const SERVER = fileURLToPath(new URL("./scripted-server.mjs", import.meta.url));

/** The scripted server, in one of its modes. */
export function scripted(mode = "", more: Partial<StdioServer> = {}): McpServer {
  return { command: process.execPath, args: [SERVER, mode], ...more };
}

export interface McpRun extends Omit<McpSettings, "servers"> {
  servers?: Readonly<Record<string, McpServer>>;
  allowed?: readonly string[] | true;
  engine?: Partial<RuntimeEngineOptions>;
  defaults?: DefaultsSettings;
  script?: RunScriptOptions;
}

/** Runs a script with the scripted server as `mcp.test`, in an engine of its own. */
export async function runMcp(
  code: string,
  {
    servers = { test: scripted() },
    allowed = true,
    engine: options = {},
    defaults = {},
    script,
    ...settings
  }: McpRun = {},
): Promise<ScriptOutcome> {
  await using engine = new RuntimeEngine({
    isolation: "thread",
    limits: { wallMs: 60_000 },
    permissions: { mcp: allowed },
    console: { stdout() {}, stderr() {} },
    setup: [setupDefaults({ ...defaults, mcp: { servers, onServerOutput: () => {}, ...settings } })],
    ...options,
  });
  await engine.start();
  return await engine.runScript({ code }, script);
}

/** What a script that ends with `export default` gives. */
export async function mcpValue(code: string, options: McpRun = {}): Promise<unknown> {
  const outcome = await runMcp(`${REJECTION} ${code}`, options);
  if (!outcome.ok) throw new Error(`${outcome.end}: ${outcome.error?.message}`);
  return outcome.value;
}

/** A function of scripts: what a promise rejects with, as [name, code, message]. */
const REJECTION = `const rejection = (promise) => promise.then(() => "resolved", (e) => [e.name, e.code, e.message]);`;
