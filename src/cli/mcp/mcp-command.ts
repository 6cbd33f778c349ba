import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { Budget, codeTool, type CodeTool, type CodeToolOptions, GeppettoError, setupDefaults } from "../../index.ts";
import type { Config } from "../../config.ts";
import { loadSettings } from "../options/load-settings.ts";
import type { ScriptOptions } from "../options/script-options.ts";
import { UsageError } from "../options/usage-error.ts";
import { EXIT } from "../output/exit-codes.ts";
import { serverOutput } from "../output/server-output.ts";
import { printNotes } from "../output/print-table.ts";
import { budgetLimitsOf, outsideOf, wallsOf } from "../session/engine-options.ts";
import { PermissionLog } from "../session/permission-log.ts";
import { withCallTime } from "./call-time.ts";
import { ClientCall } from "./client-call.ts";
import { createCodeServer } from "./code-server.ts";
import { type ClientServer, McpHttpServer } from "./http-server.ts";
import { loadMcpSdk, type McpSdk, type McpStdio } from "./load-mcp-sdk.ts";
import { importSandboxTools, type SandboxTools } from "./sandbox-tools.ts";

/** The options of `mcp`. */
export interface McpOptions extends ScriptOptions {
  http?: boolean;
  /** Default: one that is free. */
  port?: number;
  session?: boolean;
  /** A module with what the code may use. */
  tools?: string;
}

const { version } = createRequire(import.meta.url)("geppetto-js/package.json") as { version: string };

/** `geppetto-js mcp`: serves until stdin ends, or over HTTP until Ctrl-C. */
export async function mcpCommand(options: McpOptions): Promise<void> {
  const sdk = await loadMcpSdk();
  const configured = withCallTime(await loadSettings(options, { source: "", name: "mcp.ts", folder: process.cwd() }));
  const note = (text: string): void => printNotes([text]);
  for (const warning of configured.warnings) note(warning);
  const given = await importSandboxTools(options.tools);
  const { untrusted } = options;
  const outside = await outsideOf(configured.settings, { untrusted, onServerOutput: serverOutput(options, note) });
  const uses = new PermissionLog({
    file: process.env["GEPPETTO_AUDIT"],
    runId: randomUUID(),
    script: "mcp",
    warn: note,
  });
  const hasServers =
    configured.settings.permissions.mcp !== undefined && Object.keys(outside.mcp.servers ?? {}).length > 0;
  const serve = (): ClientServer => {
    const tool = makeTool(options, configured, { given, outside, uses, note });
    const server = createCodeServer({ sdk, tool, version, hasServers });
    return {
      server,
      async close() {
        await server.close();
        await tool.close();
      },
    };
  };
  // What is wrong with the options is said now, and not to each client.
  await serve().close();
  try {
    await (options.http ? serveHttp(sdk, serve, options) : serveStdio(sdk, serve));
  } finally {
    uses.close();
  }
}

async function serveStdio(sdk: McpStdio, serve: () => ClientServer): Promise<void> {
  const { server, close } = serve();
  const ended = Promise.withResolvers<void>();
  const stop = (): void => ended.resolve();
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK knows no other way
  server.server.onclose = stop;
  process.stdin.once("end", stop);
  const stopWaiting = untilSignal(stop);
  await server.connect(new sdk.StdioServerTransport());
  await ended.promise;
  stopWaiting();
  await close();
}

async function serveHttp(sdk: McpSdk, serve: () => ClientServer, { port }: McpOptions): Promise<void> {
  const server = new McpHttpServer({ sdk, serve, ...(port === undefined ? {} : { port }) });
  await server.listen();
  process.stdout.write(`${server.address}\n`);
  printNotes(["This address is a secret of yours: whoever has it can run code here. Ctrl-C ends the server"]);
  await new Promise<void>((resolve) => void untilSignal(resolve));
  await server.close();
}

function untilSignal(stop: () => void): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, stop);
  return () => {
    for (const signal of signals) process.off(signal, stop);
  };
}

interface Shared {
  given: SandboxTools;
  outside: Awaited<ReturnType<typeof outsideOf>>;
  uses: PermissionLog;
  note: (text: string) => void;
}

/** The sandbox of one client, with limits, budget and session of its own. */
function makeTool(options: McpOptions, { settings }: Pick<Config, "settings">, shared: Shared): CodeTool {
  const { given, outside, uses, note } = shared;
  const { chat, embeddings, tools } = settings;
  const { approve = "always", ...toolSettings } = tools;
  const onApprove: CodeToolOptions["onApprove"] =
    approve === "always"
      ? undefined
      : ({ name, input }, { context, signal }) =>
          approve === "ask" && context instanceof ClientCall ? context.approves(name, input, signal) : false;
  try {
    return codeTool({
      ...wallsOf(settings, options.untrusted),
      name: "run_script",
      description: `await chat("prompt") asks ${chat.provider === "embedded" ? "a demo model" : "a language model"}.`,
      session: options.session === true,
      tools: given.tools,
      types: given.types,
      budget: new Budget(budgetLimitsOf(settings.limits)),
      onPermission: (use) => uses.note(use),
      logger: { warn: note, error: note },
      ...(onApprove === undefined ? {} : { onApprove }),
      setup: [
        setupDefaults({
          chat,
          embeddings,
          ...outside,
          ...toolSettings,
          ...(onApprove === undefined ? {} : { onApprove }),
          onNotice: note,
        }),
        ...given.setup,
      ],
    });
  } catch (error) {
    if (error instanceof GeppettoError) throw new UsageError(error.message, EXIT.config, error.code);
    throw error;
  }
}
