import type { ChatRequest, ContentPart, PromptMessage, ToolChoice } from "../chat-provider.ts";
import { toNamedSchema } from "./strict-schema.ts";

export interface OpenAIRequestOptions {
  maxTokensField: "max_tokens" | "max_completion_tokens";
  streamUsage: boolean;
}

/** The body of `POST /chat/completions`; a field that was not asked for is not in it. */
export function toOpenAIRequest(request: ChatRequest, options: OpenAIRequestOptions): Record<string, unknown> {
  const { system, tools, responseFormat } = request;
  const messages = system ? [{ role: "system" as const, content: system }, ...request.messages] : request.messages;
  return {
    model: request.model,
    messages: messages.map(toOpenAIMessage),
    stream: true,
    ...(options.streamUsage ? { stream_options: { include_usage: true } } : {}),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.maxTokens === undefined ? {} : { [options.maxTokensField]: request.maxTokens }),
    ...(request.topP === undefined ? {} : { top_p: request.topP }),
    ...(request.stop?.length ? { stop: request.stop } : {}),
    ...(request.seed === undefined ? {} : { seed: request.seed }),
    ...(tools?.length ? { tools: tools.map(toOpenAITool) } : {}),
    ...(tools?.length && request.toolChoice !== undefined ? { tool_choice: toOpenAIChoice(request.toolChoice) } : {}),
    ...(responseFormat ? { response_format: toResponseFormat(responseFormat) } : {}),
  };
}

function toOpenAIMessage(message: PromptMessage): Record<string, unknown> {
  const { role, content, toolCalls, toolCallId } = message;
  if (role === "user") return { role, content: typeof content === "string" ? content : content.map(toOpenAIPart) };
  if (role === "tool") return { role, tool_call_id: toolCallId ?? "", content: textOf(content) };
  if (role === "system" || !toolCalls?.length) return { role, content: textOf(content) };
  return {
    role,
    content: textOf(content) || null,
    tool_calls: toolCalls.map(({ id, name, input }) => ({
      id,
      type: "function",
      function: { name, arguments: JSON.stringify(input) },
    })),
  };
}

function toOpenAIPart(part: ContentPart): Record<string, unknown> {
  if (part.type === "text") return { type: "text", text: part.text };
  return { type: "image_url", image_url: { url: part.url, ...(part.detail ? { detail: part.detail } : {}) } };
}

/** Only users may send images; elsewhere the texts are what counts. */
function textOf(content: string | ContentPart[]): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

function toOpenAITool(tool: { name: string; description?: string; input: object }): Record<string, unknown> {
  const { name, description, input } = tool;
  return { type: "function", function: { name, ...(description ? { description } : {}), parameters: input } };
}

function toOpenAIChoice(choice: ToolChoice): unknown {
  return typeof choice === "string" ? choice : { type: "function", function: { name: choice.name } };
}

function toResponseFormat(schema: Record<string, unknown>): Record<string, unknown> {
  return { type: "json_schema", json_schema: toNamedSchema(schema) };
}
