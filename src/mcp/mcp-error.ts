import { closestName } from "../shared/closest-name.ts";
import { GeppettoError } from "../shared/errors.ts";
import { UNREAD } from "./messages/message-size.ts";
import { showText } from "./untrusted-text.ts";
import { LIST_TOO_LARGE } from "./whole-lists.ts";

/** Longest text of a server's that an error shows, in characters. */
const MAX_REASON = 2_000;

/** A server that cannot be started, has died, or does not keep to the protocol. Another call may find it well. */
export function serverError(server: string, what: string, reason: string, cause?: unknown): GeppettoError {
  return new GeppettoError("StepError", `Cannot ${what}: the MCP server "${server}" ${showText(reason, MAX_REASON)}`, {
    code: "ERR_MCP_SERVER",
    isTransient: true,
    cause,
  });
}

/** The server has taken too long. */
export function timeoutError(server: string, what: string, ms: number): GeppettoError {
  return new GeppettoError(
    "TimeoutError",
    `Cannot ${what}: the MCP server "${server}" has not answered within ${ms} ms`,
    { code: "ERR_MCP_TIMEOUT", isTransient: true },
  );
}

/** The server has refused, or its tool has failed, in its own words. */
export function toolError(what: string, reason: string): GeppettoError {
  return new GeppettoError("StepError", `Cannot ${what}: ${showText(reason, MAX_REASON)}`, { code: "ERR_MCP_TOOL" });
}

/** Nothing, or more than one thing, has the name that a script asks for. */
export function nameError(what: string, reason: string): GeppettoError {
  return new GeppettoError("ValidationError", `Cannot ${what}: ${reason}`, { code: "ERR_MCP_NAME" });
}

/** A script uses an unknown server. */
export function unknownServer(name: string, servers: readonly string[]): GeppettoError {
  const close = closestName(name, servers);
  const known = servers.length === 0 ? "there are no servers" : `the servers are ${servers.join(", ")}`;
  const advice = close === undefined ? `${known}; the configuration or the host names them` : `did you mean ${close}?`;
  return new GeppettoError("ConfigError", `Cannot use mcp.${name}: there is no such server; ${advice}`);
}

/** What has been asked of a server, and what is known of it. */
interface Failed {
  server: string;
  what: string;
  /** Why the server is of no use any more, where that is known. */
  fault: string | undefined;
  /** Of a server that was to be started: how long it may have taken, in milliseconds. */
  startMs?: number;
}

/** What the protocol's package has thrown, as an error of ours. */
export function explainedError(error: unknown, { server, what, fault, startMs }: Failed): GeppettoError {
  if (error instanceof GeppettoError) return error;
  const prefix = startMs === undefined ? "" : "cannot be started: ";
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  const text = typeof message === "string" ? message : String(error);
  if (fault !== undefined) return serverError(server, what, prefix + fault);
  if (code === "REQUEST_TIMEOUT" && startMs !== undefined) return timeoutError(server, what, startMs);
  if (code === "CONNECTION_CLOSED" || code === "NOT_CONNECTED") return serverError(server, what, `${prefix}has ended`);
  if (code === "LIST_PAGINATION_EXCEEDED") return serverError(server, what, "has lists of too many pages");
  if (text === UNREAD || text === LIST_TOO_LARGE) return serverError(server, what, prefix + text);
  // The server's own answer: it is well, and refuses.
  if (typeof code === "number" && startMs === undefined) return toolError(what, text);
  if (code === "ENOENT") return serverError(server, what, `${prefix}there is no such program`);
  return serverError(server, what, startMs === undefined ? `has failed: ${text}` : prefix + text, error);
}
