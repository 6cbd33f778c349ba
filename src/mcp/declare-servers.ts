import { escapeControls } from "../base/escape-controls.ts";
import { Connection } from "./connection.ts";
import { declareTool } from "./describe-tools.ts";
import { type McpServer, readServers } from "./server-settings.ts";
import type { ToolList } from "./tool-list.ts";
import { showText } from "./untrusted-text.ts";

/** Longest description of a tool in a declaration, in characters. */
const MAX_COMMENT = 300;

/**
 * The tools of servers as a part of the ambient types of scripts. Starts the servers, and ends them.
 *
 * @param onOutput hears what servers write to their stderr.
 * @throws {GeppettoError} StepError for a server that cannot be asked.
 */
export async function declareMcpServers(
  servers: Readonly<Record<string, McpServer>>,
  onOutput: (server: string, line: string) => void = () => {},
): Promise<string> {
  const what = "declare the tools of servers";
  const { signal } = new AbortController();
  const declared = await Promise.all(
    [...readServers(servers).values()].map(async (server) => {
      const connection = new Connection(server, { onOutput, onLost: () => {} });
      try {
        return declareServer(server.identifier, await connection.tools(what, signal));
      } finally {
        await connection.close();
      }
    }),
  );
  return `interface McpServers {\n${declared.join("")}}`;
}

/** Tools that no property can stand for are left out: `call` takes them. */
function declareServer(server: string, list: ToolList): string {
  const members = list.tools
    .filter((tool) => list.isClear(tool) && !RESERVED.has(tool.identifier))
    .map((tool) => {
      const about = showText(tool.description, MAX_COMMENT).replaceAll("*/", "*\\/");
      const comment = about === "" ? "" : `    /** ${about} */\n`;
      return `${comment}    ${escapeControls(declareTool(tool))};\n`;
    });
  return `  readonly ${server}: McpServer & {\n${members.join("")}  };\n`;
}

/** What a server has of its own in scripts, and what every object has. */
const RESERVED: ReadonlySet<string> = new Set([
  "call",
  "tools",
  "resources",
  "prompts",
  "then",
  "toJSON",
  ...Object.getOwnPropertyNames(Object.prototype),
]);
