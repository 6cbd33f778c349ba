import { createRequire } from "node:module";
import { GeppettoError } from "../shared/errors.ts";

const PACKAGE = "@modelcontextprotocol/client";

type ClientPackage = typeof import("@modelcontextprotocol/client");
type StdioPackage = typeof import("@modelcontextprotocol/client/stdio");

/** The protocol, which another package writes: loaded when the first server is needed. */
export function loadClient(): Promise<ClientPackage> {
  return orExplained(() => import("@modelcontextprotocol/client"));
}

export function loadStdio(): Promise<StdioPackage> {
  return orExplained(() => import("@modelcontextprotocol/client/stdio"));
}

/** @throws {GeppettoError} ConfigError where the package is not there. */
async function orExplained<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new GeppettoError(
      "ConfigError",
      `Cannot use MCP servers: the package ${PACKAGE} is not installed; run npm install ${PACKAGE}`,
      { code: "ERR_MISSING_PACKAGE", cause },
    );
  }
}

/** What servers are told of who asks them. */
export function clientInfo(): { name: string; version: string } {
  const { version } = createRequire(import.meta.url)("geppetto-js/package.json") as { version: string };
  return { name: "geppetto-js", version };
}
