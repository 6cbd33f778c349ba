import { type McpKind, OPS } from "../../../src/shared/contract/ops.ts";
import {
  append,
  defineField,
  defineHidden,
  isArray,
  ObjectCreate,
  ObjectFreeze,
  SafeMap,
} from "../../../src/shared/primordials.ts";
import { callWithSignal, checkOptions, onlySignal } from "../core/calls.ts";
import { guestError } from "../core/errors.ts";
import { callBlocking } from "../core/kernel.ts";
import { type Members, openObject } from "./open-object.ts";
import { callTool } from "./tool-call.ts";

/** A tool as the host lists it for chats. */
interface ListedTool {
  /** For models. */
  name: string;
  /** As the server knows it. */
  tool: string;
  /** As scripts know it. */
  identifier: string;
  description: string;
  input: unknown;
}

function textOf(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw guestError(
    "ValidationError",
    `Cannot ${what}: it must be a text, not ${value === null ? "null" : typeof value}`,
  );
}

function listOf(server: string, kind: McpKind, options: unknown): Promise<unknown[]> {
  return callWithSignal(OPS.mcp_list, { server, kind }, onlySignal(`list the ${kind}`, options), (list) => list);
}

function resourcesOf(server: string): object {
  return ObjectFreeze({
    list: (options?: unknown) => listOf(server, "resources", options),
    templates: (options?: unknown) => listOf(server, "templates", options),
    read(uri: unknown, options?: unknown): Promise<unknown> {
      const asked = { server, uri: textOf(uri, "read a resource") };
      return callWithSignal(OPS.mcp_read, asked, onlySignal("read a resource", options), (parts) =>
        parts.length === 1 ? parts[0] : parts,
      );
    },
  });
}

function promptsOf(server: string): object {
  return ObjectFreeze({
    list: (options?: unknown) => listOf(server, "prompts", options),
    get(name: unknown, args?: unknown, options?: unknown): Promise<unknown> {
      const asked = { server, name: textOf(name, "get a prompt"), args: args ?? {} };
      return callWithSignal(OPS.mcp_prompt, asked, onlySignal("get a prompt", options), (prompt) => prompt);
    },
  });
}

/** The tools of a server as a chat takes them. The host is asked at once: the guest waits for it. */
function chatTools(server: string, options: unknown): object[] {
  checkOptions(`list the tools of mcp.${server}`, options, ["only"]);
  const only = (options as { only?: unknown } | null | undefined)?.only;
  if (only !== undefined && !isArray(only)) {
    throw guestError("ValidationError", `Cannot list the tools of mcp.${server}: only must be a list of names`);
  }
  const listed = callBlocking(OPS.mcp_list, { server, kind: "tools" }) as unknown as ListedTool[];
  const tools: object[] = [];
  for (let i = 0; i < listed.length; i++) {
    const { name, tool, identifier, description, input } = listed[i]!;
    if (only !== undefined && !isNamed(only, tool, identifier)) continue;
    const run = (args: unknown, given: unknown): unknown => callTool({ server, tool, isExact: true }, args, given);
    append(tools, { name, description, input, run });
  }
  return tools;
}

function isNamed(only: readonly unknown[], tool: string, identifier: string): boolean {
  for (let i = 0; i < only.length; i++) if (only[i] === tool || only[i] === identifier) return true;
  return false;
}

/** `mcp.SERVER` */
export function createServer(server: string): object {
  const known = new SafeMap<string, unknown>();
  const members = ObjectCreate(null) as Members;
  defineField(members, "resources", resourcesOf(server));
  defineField(members, "prompts", promptsOf(server));
  defineField(members, "tools", function tools(options?: unknown) {
    return chatTools(server, options);
  });
  defineField(members, "call", function call(name: unknown, args?: unknown, options?: unknown) {
    return callTool({ server, tool: textOf(name, `call a tool of mcp.${server}`), isExact: true }, args, options);
  });
  return openObject(members, (tool) => {
    const made = known.get(tool);
    if (made !== undefined) return made;
    const call = (args?: unknown, options?: unknown): unknown =>
      callTool({ server, tool, isExact: false }, args, options);
    defineHidden(call, "name", tool);
    known.set(tool, call);
    return call;
  });
}
