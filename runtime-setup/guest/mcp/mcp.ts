/** `mcp`: the tools of servers that the host knows. Which tools there are is the server's to say, and asked when one is called. */
import type { McpConfig } from "../../../src/shared/contract/features.ts";
import { OPS } from "../../../src/shared/contract/ops.ts";
import { defineField, NumberIsInteger, ObjectCreate, StringSlice } from "../../../src/shared/primordials.ts";
import { callWithSignal, checkOptions, onlySignal, signalOf } from "../core/calls.ts";
import { guestError } from "../core/errors.ts";
import { callSync, defineGlobal, nameMembers } from "../core/kernel.ts";
import { type Members, openObject } from "./open-object.ts";
import { createServer } from "./server.ts";

/** As much of a name as is told. */
const MAX_NAME = 100;

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
  nameMembers(members);
  for (let i = 0; i < servers.length; i++) defineField(members, servers[i]!, createServer(servers[i]!));
  defineGlobal(
    "mcp",
    openObject(members, (name) => callSync(OPS.mcp_refuse, { name: StringSlice(name, 0, MAX_NAME) })),
  );
}
