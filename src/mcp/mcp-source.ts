import type { CallEffect } from "../base/calls/outside.ts";
import type { McpKind } from "../shared/contract/ops.ts";
import type { StepLog, StepProgress } from "../shared/step-events.ts";

/** A server that scripts can name. */
export interface McpServerName {
  name: string;
  /** `mcp.IDENTIFIER` in scripts. */
  identifier: string;
}

/** A call of a tool, as a script asks for it. */
export interface McpToolCall {
  /** The server's name. */
  server: string;
  tool: string;
  /** Is `tool` the server's own name of it, and not a property of `mcp.SERVER`? */
  isExact: boolean;
  args: Record<string, unknown>;
}

/** What a script asks beside calls of tools; servers by their names. */
export type McpQuestion =
  | { kind: "list"; server: string; list: McpKind }
  | { kind: "read"; server: string; uri: string }
  | { kind: "prompt"; server: string; name: string; args: Record<string, string> }
  | { kind: "search"; servers: readonly string[]; words: string; limit?: number }
  | { kind: "describe"; server: string; tool: string };

/** What comes of a call: its value, last, and before it what the server tells of it. */
export type CallPart = { result: unknown } | ToldPart;

/** What a server tells of a call while it works. */
export type ToldPart = { type: "progress"; progress: StepProgress } | { type: "log"; log: StepLog };

/** Who is asked when a script uses MCP servers. What it may use has been judged before. */
export interface McpSource {
  /** The servers that there are. */
  readonly servers: readonly McpServerName[];
  /** Is nobody asked? Then a script may name each server that it is allowed, to hear that there is no answer. */
  readonly isRecorded?: boolean;
  /**
   * Calls a tool: gives what the server tells meanwhile, and last what the tool gives.
   *
   * @throws {GeppettoError} ValidationError for arguments that do not fit; StepError with code ERR_MCP_TOOL where the tool
   *   fails, ERR_MCP_SERVER where the server does; TimeoutError.
   */
  call(call: McpToolCall, signal: AbortSignal): AsyncIterable<CallPart>;
  /** What it would mean to make a call a second time. @throws as {@link call} does. */
  effectOf(call: McpToolCall, signal: AbortSignal): Promise<CallEffect>;
  /** What the servers say; plain data. @throws as {@link call} does. */
  ask(question: McpQuestion, signal: AbortSignal): Promise<unknown>;
}
