import { resultText } from "../code-result.ts";
import type { CodeTool } from "../code-tool.ts";
import type { CodeInput } from "../code-tool-options.ts";

/** What `tool()` of `@openai/agents` makes a tool of. */
export interface OpenAIAgentsTool {
  name: string;
  description: string;
  parameters: {
    type: "object";
    properties: Record<string, object>;
    required: string[];
    additionalProperties: true;
  };
  /** Data of any kind has no strict schema. */
  strict: false;
  execute(input: unknown, context?: unknown, details?: { signal?: AbortSignal }): Promise<string>;
}

/**
 * The tool for the OpenAI Agents SDK (`@openai/agents`): what its `tool()` takes.
 *
 * @example
 * const agent = new Agent({ name: "analyst", tools: [tool(toOpenAIAgents(code))] });
 */
export function toOpenAIAgents(tool: CodeTool): OpenAIAgentsTool {
  const { properties } = tool.inputSchema as { properties: Record<string, object> };
  return {
    name: tool.name,
    description: tool.description,
    parameters: { type: "object", properties, required: ["code"], additionalProperties: true },
    strict: false,
    execute: async (input, _, { signal } = {}) =>
      resultText(await tool.execute(input as CodeInput, signal === undefined ? {} : { signal })),
  };
}
