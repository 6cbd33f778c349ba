import type { Command } from "commander";
import { CALL_SECONDS } from "../mcp/call-time.ts";
import type { McpOptions } from "../mcp/mcp-command.ts";
import { parsePort } from "./quantities.ts";
import { addRunFlags } from "./run-flags.ts";

const GROUPS = ["Model", "Limits", "Permissions", "Isolation"] as const;

/** Adds `mcp`. It is loaded when it runs. */
export function addMcpCommand(
  program: Command,
  env: Readonly<Record<string, string | undefined>>,
  isCalled: boolean,
): Command {
  const mcp = program
    .command("mcp")
    .description("offer the sandbox to agents, as an MCP server: they run code in it")
    .optionsGroup("Serving:")
    .option("--http", "over HTTP, on this machine alone, in place of stdin and stdout")
    .option("--port <port>", "where to listen (default: a free port)", parsePort)
    .option("--session", "what code declares stays, for each client")
    .option("--tools <module>", "a module that exports tools, setup and types: what the code may use")
    .action(async (options: McpOptions) => {
      const { mcpCommand } = await import("../mcp/mcp-command.ts");
      await mcpCommand(options);
    });
  return isCalled ? addRunFlags(mcp, env, { groups: GROUPS, defaults: { "limits.timeout": `${CALL_SECONDS}s` } }) : mcp;
}
