import type { ErrorEntry } from "./error-entry.ts";
import { EXIT } from "./exit-codes.ts";

/** What goes wrong with MCP servers and their tools. */
export const mcpErrors = {
  ERR_MCP_SERVER: {
    name: "StepError",
    meaning: "An MCP server cannot be started, has ended, or does not keep to the protocol.",
    advice:
      "The message says which and how. `-v` shows what the server writes to its stderr. It is started again for the next call.",
    exit: EXIT.provider,
  },
  ERR_MCP_TIMEOUT: {
    name: "TimeoutError",
    meaning: "An MCP server has not answered in time.",
    advice: "Raise `timeout` of the server in the configuration, or find out what it does.",
    exit: EXIT.provider,
  },
  ERR_MCP_TOOL: {
    name: "StepError",
    meaning: "A tool of an MCP server has failed, or the server has refused the request. The text is the server's.",
    advice: "Look at the arguments of the call.",
    exit: EXIT.provider,
  },
  ERR_MCP_NAME: {
    name: "ValidationError",
    meaning: "No MCP server, or no tool of it, has the name that a call gives; or two tools have it.",
    advice: "Take a name that the message lists. `mcp.SERVER.call(name, args)` calls a tool by the server's own name.",
    exit: EXIT.uncaught,
  },
} satisfies Record<string, ErrorEntry>;
