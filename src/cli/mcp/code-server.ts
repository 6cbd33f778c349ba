import type { CallToolResult, McpServer, ServerContext } from "@modelcontextprotocol/server";
import { type CodeTool, resultText } from "../../index.ts";
import { readAmbientTypes } from "../types/ambient-types.ts";
import { ClientCall } from "./client-call.ts";
import type { McpSdk } from "./load-mcp-sdk.ts";

const MAX_WORDS = 500;

export interface CodeServerOptions {
  sdk: McpSdk;
  /** This client's own. */
  tool: CodeTool;
  version: string;
  /** Its code may call tools of other servers. */
  hasServers: boolean;
}

/** A server for one client: its tools run code, and find what the code may use; its resources are the types of that. */
export function createCodeServer({ sdk, tool, version, hasServers }: CodeServerOptions): McpServer {
  const server = new sdk.McpServer(
    { name: "geppetto-js", title: "A sandbox for code", version },
    { capabilities: { tools: {}, resources: {} } },
  );
  const input = (schema: Record<string, unknown>) => sdk.fromJsonSchema<Record<string, unknown>>(schema);
  server.registerTool(
    tool.name,
    {
      title: "Run code",
      description: tool.description,
      inputSchema: input(tool.inputSchema),
      annotations: { openWorldHint: false, destructiveHint: tool.catalogue.entries.size > 0 },
    },
    async (given, context) => runCode(tool, given, context, mayAsk(server)),
  );
  server.registerTool(
    "search",
    {
      title: "Find functions",
      description: "Finds functions that code in run_script may call, by words of their names and descriptions",
      inputSchema: input(textInput("words")),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ words }, { mcpReq: { signal } }) => {
      const found = tool.catalogue.search(String(words));
      const lines = found.map(({ declaration, description }) => `${declaration} // ${description}`);
      if (hasServers) lines.push(...(await searchServers(tool, String(words), signal)));
      return text(lines.length === 0 ? "No function fits these words" : lines.join("\n"));
    },
  );
  server.registerTool(
    "describe",
    {
      title: "Describe a function",
      description:
        "Says all that is known of a function that code in run_script may call: its type, description and schema",
      inputSchema: input(textInput("name")),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async ({ name }, { mcpReq: { signal } }) => {
      const asked = String(name);
      if (hasServers && asked.startsWith("mcp.")) return describeOfServer(tool, asked.slice("mcp.".length), signal);
      const found = tool.catalogue.describe(asked);
      if (found === undefined)
        return { ...text(`There is no function ${String(name).slice(0, 100)}; search finds some`), isError: true };
      return text(`${found.declaration}\n${found.description}\nInput: ${JSON.stringify(found.input)}`);
    },
  );
  addTypes(
    server,
    "functions",
    "geppetto://types/functions.d.ts",
    "Types of the functions that code may call",
    () => tool.declarations,
  );
  addTypes(server, "globals", "geppetto://types/globals.d.ts", "Types of the globals of scripts", readAmbientTypes);
  return server;
}

async function runCode(
  tool: CodeTool,
  given: Record<string, unknown>,
  context: ServerContext,
  mayAsk: boolean,
): Promise<CallToolResult> {
  const call = new ClientCall(context, mayAsk);
  const result = await tool.execute(given as unknown as Parameters<CodeTool["execute"]>[0], {
    signal: call.signal,
    context: call,
    onProgress: (progress) => call.tell(progress),
  });
  return { ...text(resultText(result)), structuredContent: { ...result }, ...(result.ok ? {} : { isError: true }) };
}

/** What the servers behind it offer, as the code itself would find it. */
async function searchServers(tool: CodeTool, words: string, signal: AbortSignal): Promise<string[]> {
  const { value } = await tool.execute({ code: "return await mcp.search(input())", input: words }, { signal });
  if (!Array.isArray(value)) return [];
  return value.map(({ name, declaration, description }: Record<string, unknown>) => {
    const [server = ""] = (typeof name === "string" ? name : "").split(".");
    return `mcp.${server}.${typeof declaration === "string" ? declaration : ""} // ${typeof description === "string" ? description : ""}`;
  });
}

async function describeOfServer(tool: CodeTool, name: string, signal: AbortSignal): Promise<CallToolResult> {
  const result = await tool.execute({ code: "return await mcp.describe(input())", input: name }, { signal });
  return {
    ...text(result.ok ? JSON.stringify(result.value ?? result.text) : resultText(result)),
    ...(result.ok ? {} : { isError: true }),
  };
}

function addTypes(server: McpServer, name: string, uri: string, description: string, read: () => string): void {
  const mimeType = "application/typescript";
  server.registerResource(name, uri, { title: `${name}.d.ts`, description, mimeType }, async () => ({
    contents: [{ uri, mimeType, text: read() }],
  }));
}

function mayAsk(server: McpServer): boolean {
  return server.server.getClientCapabilities()?.elicitation !== undefined;
}

function textInput(name: string): Record<string, unknown> {
  return {
    type: "object",
    properties: { [name]: { type: "string", maxLength: MAX_WORDS } },
    required: [name],
    additionalProperties: false,
  };
}

function text(value: string): CallToolResult {
  return { content: [{ type: "text", text: value }] };
}
