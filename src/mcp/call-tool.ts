import { AsyncLocalStorage } from "node:async_hooks";
import { compileJsonSchema } from "../providers/schema/json-schema.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { StepLog, StepProgress } from "../shared/step-events.ts";
import type { Connection, RequestCall } from "./connection.ts";
import { serverError, toolError } from "./mcp-error.ts";
import type { CallPart, ToldPart } from "./mcp-source.ts";
import type { Progress, ServerLog } from "./messages/message-guard.ts";
import { PartQueue } from "./part-queue.ts";
import type { McpTool } from "./tool-list.ts";
import { errorText, isTooDeep, toolValue, type ToolResult } from "./tool-value.ts";
import { cutText, showText } from "./untrusted-text.ts";

/** A tool call as a script asks for it. */
export interface ToolCallRequest {
  tool: string;
  isExact: boolean;
  args: Record<string, unknown>;
  /** Whose schemas are checked, see {@link compileJsonSchema}. */
  owner: object;
}

/** Longest message of a server's about a call, and largest value that it logs, in characters of JSON. */
const MAX_MESSAGE = 1_000;
const MAX_LOGGED = 10_000;
const TOO_DEEP = "[nested too deeply]";

/**
 * Calls a tool: its arguments are held against its schema before, and what it gives against its output schema after.
 *
 * @throws {GeppettoError} ValidationError for arguments that do not fit; StepError with code ERR_MCP_TOOL where the tool
 *   fails, ERR_MCP_SERVER where the server does.
 */
export async function* callTool(
  connection: Connection,
  { tool: name, isExact, args, owner }: ToolCallRequest,
  signal: AbortSignal,
): AsyncGenerator<CallPart> {
  const { server } = connection;
  const what = `call mcp.${server.identifier}.${showText(name, 100)}`;
  const tool = (await connection.tools(what, signal)).find(name, isExact);
  await checkArguments(tool, args, what, { owner, signal });
  const told = new PartQueue<ToldPart>();
  const call: RequestCall = {
    what,
    signal,
    onProgress: (progress) => told.add({ type: "progress", progress: progressOf(progress) }),
    onLog: (log) => told.add({ type: "log", log: logOf(log) }),
    inContext: AsyncLocalStorage.snapshot(),
  };
  const asked = connection.request(call, (client, options, progressToken) => {
    const params = { name: tool.name, arguments: args, _meta: { progressToken } };
    // What it says of its output is looked at here.
    return client.callTool(params, { ...options, toolDefinition: definitionOf(tool) });
  });
  const result = yield* told.until(asked);
  yield { result: await checkedValue(tool, result, what, { server: server.name, owner, signal }) };
}

function definitionOf({ name, input }: McpTool): { name: string; inputSchema: { type: "object" } } {
  return { name, inputSchema: input as { type: "object" } };
}

function progressOf({ progress, total, message }: Progress): StepProgress {
  return {
    value: progress,
    ...(total === undefined ? {} : { total }),
    ...(message === undefined ? {} : { message: cutText(message, MAX_MESSAGE) }),
  };
}

function logOf({ level, logger, data }: ServerLog): StepLog {
  if (isTooDeep(data)) return logOf({ level, ...(logger === undefined ? {} : { logger }), data: TOO_DEEP });
  const text = JSON.stringify(data) ?? "null";
  const isLarge = text.length > MAX_LOGGED;
  return {
    level: cutText(level, 20),
    ...(logger === undefined ? {} : { logger: cutText(logger, MAX_MESSAGE) }),
    data: isLarge ? cutText(text, MAX_LOGGED) : data,
  };
}

interface Asking {
  owner: object;
  signal: AbortSignal;
}

async function checkArguments(tool: McpTool, args: object, what: string, asking: Asking): Promise<void> {
  const check = await compileJsonSchema(tool.input, `the input schema of the tool ${showText(tool.name, 100)}`, asking);
  const flaw = await check(args, "args", asking.signal);
  if (flaw !== undefined) throw new GeppettoError("ValidationError", `Cannot ${what}: ${showText(flaw, 1_000)}`);
}

async function checkedValue(
  tool: McpTool,
  result: ToolResult,
  what: string,
  { server, ...asking }: Asking & { server: string },
): Promise<unknown> {
  if (result.isError === true) throw toolError(what, errorText(result));
  const value = toolValue(result, tool.output !== undefined);
  if (isTooDeep(value)) throw serverError(server, what, "has given a value that is nested too deeply");
  if (tool.output === undefined) return value;
  if (result.structuredContent === undefined) {
    throw serverError(server, what, "has not given the structured content that its tool promises");
  }
  const check = await compileJsonSchema(
    tool.output,
    `the output schema of the tool ${showText(tool.name, 100)}`,
    asking,
  );
  const flaw = await check(value, "result", asking.signal);
  if (flaw !== undefined) throw serverError(server, what, `has given what its tool does not promise: ${flaw}`);
  return value;
}
