import { resultText } from "../code-result.ts";
import type { CodeTool } from "../code-tool.ts";
import type { CodeInput } from "../code-tool-options.ts";

/** What `DynamicStructuredTool` of `@langchain/core` is made of. */
export interface LangChainTool {
  name: string;
  description: string;
  schema: Record<string, unknown>;
  func(input: unknown, runManager?: unknown, config?: { signal?: AbortSignal }): Promise<string>;
}

/**
 * The tool for LangChain (`@langchain/core`): what a `DynamicStructuredTool` is made of.
 *
 * @example
 * const agent = createAgent({ model, tools: [new DynamicStructuredTool(toLangChain(tool))] });
 */
export function toLangChain(tool: CodeTool): LangChainTool {
  return {
    name: tool.name,
    description: tool.description,
    schema: tool.inputSchema,
    func: async (input, _, { signal } = {}) =>
      resultText(await tool.execute(input as CodeInput, signal === undefined ? {} : { signal })),
  };
}
