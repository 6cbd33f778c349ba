import type { ToolCall } from "../../shared/chat-messages.ts";
import type { PromptMessage, ProviderThoughts } from "../chat-provider.ts";

/** A message of any accepted form, checked but not yet put in order. */
export type CheckedMessage =
  | {
      kind: "text";
      role: PromptMessage["role"];
      content: PromptMessage["content"];
      toolCalls: ToolCall[];
      /** Its calls are kept although nobody has answered them. */
      keepsCalls?: boolean;
      toolCallId?: string | undefined;
      name?: string | undefined;
      thoughts?: ProviderThoughts | undefined;
    }
  | { kind: "tool-use"; call: ToolCall }
  | { kind: "tool-result"; toolId: string; result: string; isError?: boolean | undefined };
