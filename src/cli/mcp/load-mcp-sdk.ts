import { EXIT } from "../output/exit-codes.ts";
import { UsageError } from "../options/usage-error.ts";

export type McpSdk = typeof import("@modelcontextprotocol/server");
export type McpStdio = typeof import("@modelcontextprotocol/server/stdio");

/** The package that speaks the protocol. @throws {UsageError} where it is not installed. */
export async function loadMcpSdk(): Promise<McpSdk & McpStdio> {
  try {
    return {
      ...(await import("@modelcontextprotocol/server")),
      ...(await import("@modelcontextprotocol/server/stdio")),
    };
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    const what = "@modelcontextprotocol/server is not installed";
    throw new UsageError(
      `Cannot serve MCP: ${what}; npm install @modelcontextprotocol/server beside geppetto-js`,
      EXIT.config,
    );
  }
}
