/** `mcp`: the tools of servers that the host knows. Which tools there are is the server's to say, and asked when one is called. */
import { closestName } from "../../../src/shared/closest-name.ts";
import type { McpConfig } from "../../../src/shared/contract/features.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { ArrayJoin, defineField, NumberIsInteger, ObjectCreate } from "../../../src/shared/primordials.ts";
import { callWithSignal, checkOptions, onlySignal, signalOf } from "../core/calls.ts";
import { guestError } from "../core/errors.ts";
import { defineGlobal } from "../core/kernel.ts";
import { type Members, openObject } from "./open-object.ts";
import { createServer } from "./server.ts";

function search(words: unknown, options?: unknown): Promise<unknown[]> {
  if (typeof words !== "string")
    throw guestError("ValidationError", "Cannot search for tools: the words must be a text");
  checkOptions("search for tools", options, ["limit", "signal"]);
  const limit = (options as { limit?: unknown } | null | undefined)?.limit;
  if (limit !== undefined && !NumberIsInteger(limit)) {
    throw guestError("ValidationError", "Cannot search for tools: limit must be a whole number");
  }
  const asked = { words, limit: limit as number | undefined };
  return callWithSignal(OPS.mcp_search, asked, signalOf(options), (found) => found);
}

function describe(name: unknown, options?: unknown): Promise<unknown> {
  if (typeof name !== "string") {
    throw guestError("ValidationError", 'Cannot describe a tool: its name must be a text such as "server.tool"');
  }
  return callWithSignal(
    OPS.mcp_describe,
    { name },
    onlySignal("describe a tool", options),
    (description) => description,
  );
}

export function installMcp({ servers }: McpConfig): void {
  const members = ObjectCreate(null) as Members;
  defineField(members, "search", search);
  defineField(members, "describe", describe);
  for (let i = 0; i < servers.length; i++) defineField(members, servers[i]!, createServer(servers[i]!));
  const mcp = openObject(members, (name) => {
    const close = closestName(name, servers);
    const known = servers.length === 0 ? "there are no servers" : `the servers are ${ArrayJoin(servers, ", ")}`;
    const advice =
      close === undefined ? `${known}; the configuration or the host names them` : `did you mean ${close}?`;
    throw guestError("ConfigError", `Cannot use mcp.${name}: there is no such server; ${advice}`, "ERR_MCP_NAME");
  });
  defineGlobal("mcp", mcp);
}
