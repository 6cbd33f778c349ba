import { resultText } from "../code-result.ts";
import type { CodeTool } from "../code-tool.ts";
import type { CodeInput } from "../code-tool-options.ts";
import { codeInputFields } from "./code-input-schema.ts";

/** A tool of a server that runs in the process of the Claude Agent SDK. */
export interface ClaudeAgentTool {
  name: string;
  description: string;
  inputSchema: ReturnType<typeof codeInputFields>;
  handler(
    input: Record<string, unknown>,
    extra: unknown,
  ): Promise<{ content: { type: "text"; text: string }[]; isError?: boolean }>;
}

/**
 * The tool for the Claude Agent SDK (`@anthropic-ai/claude-agent-sdk`): one of the `tools` of a server in its process.
 *
 * @example
 * const server = createSdkMcpServer({ name: "code", tools: [toClaudeAgent(tool)] });
 * query({ prompt, options: { mcpServers: { code: server } } });
 */
export function toClaudeAgent(tool: CodeTool): ClaudeAgentTool {
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: codeInputFields(tool),
    async handler(input, extra) {
      const { signal } = (extra ?? {}) as { signal?: AbortSignal };
      const result = await tool.execute(input as unknown as CodeInput, signal === undefined ? {} : { signal });
      return { content: [{ type: "text", text: resultText(result) }], ...(result.ok ? {} : { isError: true }) };
    },
  };
}
