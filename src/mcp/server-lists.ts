import type { Client, RequestOptions } from "@modelcontextprotocol/client";
import type { Connection, RequestCall } from "./connection.ts";
import { serverError } from "./mcp-error.ts";
import { blockValue, type ContentBlock, isTooDeep, resourceValue } from "./tool-value.ts";
import { cutText } from "./untrusted-text.ts";
import { forOneList, uncached } from "./whole-lists.ts";

/** Resources, templates and prompts of one server that are told; more are left out. */
const MAX_LISTED = 2_000;
/** Longest text of one of them, in characters. */
const MAX_TEXT = 8_000;

type Asking = (client: Client, options: RequestOptions) => Promise<readonly object[]>;

const LISTS: Readonly<Record<"resources" | "templates" | "prompts", Asking>> = {
  resources: async (client, options) => (await client.listResources(undefined, options)).resources,
  templates: async (client, options) => (await client.listResourceTemplates(undefined, options)).resourceTemplates,
  prompts: async (client, options) => (await client.listPrompts(undefined, options)).prompts,
};

/** What a server has of this kind; nothing, where it says that it has none. */
export async function listOf(
  connection: Connection,
  kind: "resources" | "templates" | "prompts",
  call: RequestCall,
): Promise<Record<string, unknown>[]> {
  const listed = await connection.request(call, async (client, options) => {
    const { resources, prompts } = client.getServerCapabilities() ?? {};
    if ((kind === "prompts" ? prompts : resources) === undefined) return [];
    return LISTS[kind](forOneList(client), uncached(options));
  });
  return listed.slice(0, MAX_LISTED).map((item) => plain(connection, item, call));
}

/** The parts of a resource: each with its `uri`, `mimeType`, and `text` or `data`. */
export async function readResource(connection: Connection, uri: string, call: RequestCall): Promise<unknown[]> {
  const { contents } = await connection.request(call, (client, options) =>
    client.readResource({ uri }, uncached(options)),
  );
  return contents.map((part) => resourceValue(part));
}

/** A prompt: its messages, each with a role and a text, or another content. */
export async function getPrompt(
  connection: Connection,
  name: string,
  args: Record<string, string>,
  call: RequestCall,
): Promise<Record<string, unknown>> {
  const { description, messages } = await connection.request(call, (client, options) =>
    client.getPrompt({ name, arguments: args }, options),
  );
  return {
    ...(description === undefined ? {} : { description: cutText(description, MAX_TEXT) }),
    messages: messages.map(({ role, content }) => {
      const block = content as ContentBlock;
      return block.type === "text" ? { role, text: block.text } : { role, content: blockValue(block) };
    }),
  };
}

/** The fields that are data, their texts bounded; no icons, and nothing that is for clients alone. */
function plain(connection: Connection, item: object, { what }: RequestCall): Record<string, unknown> {
  const { icons: _, _meta: __, ...fields } = item as Record<string, unknown>;
  if (isTooDeep(fields)) throw serverError(connection.server.name, what, "has given a value that is nested too deeply");
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "string" ? cutText(value, MAX_TEXT) : value,
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}
