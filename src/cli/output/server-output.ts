import type { McpSettings } from "../../index.ts";
import type { ScriptOptions } from "../options/script-options.ts";

/** Lines of a server's that are shown when it is lost. */
const LAST_LINES = 10;

/**
 * What is shown of MCP servers: with `-v` each line of their stderr; else why one is lost, with its last lines.
 *
 * @param note shows a line on stderr.
 */
export function serverOutput(
  { verbose, quiet }: Pick<ScriptOptions, "verbose" | "quiet">,
  note: (text: string) => void,
): NonNullable<McpSettings["onServerOutput"]> {
  const last = new Map<string, string[]>();
  return (server, text, { isLost }) => {
    const line = `mcp ${server}: ${text}`;
    if (verbose === true) return note(line);
    if (quiet === true) return;
    const lines = last.get(server) ?? [];
    if (!isLost) {
      lines.push(line);
      last.set(server, lines.slice(-LAST_LINES));
      return;
    }
    for (const before of lines) note(before);
    last.delete(server);
    note(line);
  };
}
