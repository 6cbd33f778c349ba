import { hash } from "node:crypto";
import { schemaType } from "../providers/schema/schema-type.ts";
import type { McpTool, ToolList } from "./tool-list.ts";
import { cutText } from "./untrusted-text.ts";

/** Longest name of a tool that models take, in characters. */
const MAX_CHAT_NAME = 64;
const HASH_CHARS = 8;
/** Longest description in a list of what was found, in characters. */
const MAX_SUMMARY = 300;
const DEFAULT_FOUND = 10;
const MAX_FOUND = 100;

/** A tool as a chat takes it. */
export interface ChatTool {
  name: string;
  tool: string;
  identifier: string;
  description: string;
  input: object;
}

/** A tool that a script has searched for. */
export interface FoundTool {
  /** `SERVER.TOOL`, as scripts write it after `mcp.` */
  name: string;
  description: string;
  declaration: string;
}

/** The tools under names that models take, and that tell two servers apart. */
export function chatTools(server: string, { tools }: ToolList): ChatTool[] {
  return tools.map(({ name: tool, identifier, description, input }) => ({
    name: chatName(server, identifier, tool),
    tool,
    identifier,
    description,
    input,
  }));
}

function chatName(server: string, identifier: string, tool: string): string {
  const name = `${server}_${identifier}`.replace(/[^A-Za-z0-9_-]/g, "_");
  if (name.length <= MAX_CHAT_NAME) return name;
  return `${name.slice(0, MAX_CHAT_NAME - HASH_CHARS - 1)}_${hash("sha256", tool).slice(0, HASH_CHARS)}`;
}

/** How a tool is called, as TypeScript on one line: `add(args: { a: number; b: number }): Promise<unknown>`. */
export function declareTool({ identifier, input, output }: McpTool): string {
  const args = schemaType(input);
  const needsNone = !Array.isArray(input["required"]) || input["required"].length === 0;
  const value = output === undefined ? "any" : schemaType(output);
  return `${identifier}(args${needsNone ? "?" : ""}: ${args}, options?: McpToolOptions): Promise<${value}>`;
}

/** All that is known of a tool. */
export function describeTool(server: string, tool: McpTool): Record<string, unknown> {
  const { name, identifier, title, description, input, output } = tool;
  return {
    name: `${server}.${identifier}`,
    server,
    tool: name,
    ...(title === undefined ? {} : { title }),
    description,
    input,
    ...(output === undefined ? {} : { output }),
    declaration: declareTool(tool),
  };
}

/**
 * The tools that have the words in their name or description, those with the most first; without words all, in the
 * servers' order.
 */
export function searchTools(
  lists: readonly (readonly [server: string, list: ToolList])[],
  words: string,
  limit: number = DEFAULT_FOUND,
): FoundTool[] {
  const wanted = words
    .toLowerCase()
    .slice(0, 1_000)
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
  const found = lists.flatMap(([server, { tools }]) =>
    tools.map((tool) => ({ server, tool, score: scoreOf(server, tool, wanted) })),
  );
  return found
    .filter(({ score }) => wanted.length === 0 || score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, Math.min(Math.max(limit, 0), MAX_FOUND))
    .map(({ server, tool }) => ({
      name: `${server}.${tool.identifier}`,
      description: cutText(tool.description, MAX_SUMMARY),
      declaration: declareTool(tool),
    }));
}

/** A word counts more in a name than in a description. */
function scoreOf(server: string, { name, title = "", description }: McpTool, wanted: readonly string[]): number {
  const names = `${server} ${name} ${title}`.toLowerCase();
  const texts = description.toLowerCase();
  return wanted.reduce((sum, word) => sum + (names.includes(word) ? 3 : 0) + (texts.includes(word) ? 1 : 0), 0);
}
