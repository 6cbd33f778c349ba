import { z } from "zod";
import type { CodeTool } from "../code-tool.ts";

/** The fields of what a model gives, for those who take schemas of zod alone. */
export function codeInputFields(tool: CodeTool): {
  code: z.ZodString;
  input: z.ZodOptional<z.ZodAny>;
  restart?: z.ZodOptional<z.ZodBoolean>;
} {
  const { properties } = tool.inputSchema as { properties: Record<string, { description: string } | undefined> };
  const { code, input, restart } = properties;
  return {
    code: z.string().describe(code?.description ?? ""),
    input: z
      .any()
      .optional()
      .describe(input?.description ?? ""),
    ...(restart === undefined ? {} : { restart: z.boolean().optional().describe(restart.description) }),
  };
}
