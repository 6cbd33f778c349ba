import { z } from "zod";
import { type CodeResult, resultText } from "../code-result.ts";
import type { CodeTool } from "../code-tool.ts";
import type { CodeInput } from "../code-tool-options.ts";
import { codeInputFields } from "./code-input-schema.ts";

/** A tool as the AI SDK takes it. */
export interface AiSdkTool {
  description: string;
  inputSchema: z.ZodType<CodeInput>;
  execute(input: CodeInput, options?: { abortSignal?: AbortSignal | undefined }): Promise<CodeResult>;
  /** What the model is told of a result. */
  toModelOutput(options: { output: CodeResult }): { type: "text"; value: string };
}

/**
 * The tool for the AI SDK (`ai`, 5 or later), under its name. Each call ends with the `abortSignal` of its request.
 *
 * @example
 * const { text } = await generateText({ model, tools: { ...toAiSdk(tool) }, prompt });
 */
export function toAiSdk(tool: CodeTool): Record<string, AiSdkTool> {
  return {
    [tool.name]: {
      description: tool.description,
      inputSchema: z.strictObject(codeInputFields(tool)) as unknown as z.ZodType<CodeInput>,
      execute: (input, { abortSignal: signal } = {}) => tool.execute(input, signal === undefined ? {} : { signal }),
      toModelOutput: ({ output }) => ({ type: "text", value: resultText(output) }),
    },
  };
}
