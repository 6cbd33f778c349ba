import { inputOf } from "../../shared/chat-messages.ts";
import type { ChatRequest, ContentPart, PromptMessage, ToolChoice, ToolDefinition } from "../chat-provider.ts";
import { textOf } from "../prompt-text.ts";
import { effortOf } from "./openai-reasoning.ts";
import { toNamedSchema } from "./strict-schema.ts";

export interface OpenAIRequestOptions {
  maxTokensField: "max_tokens" | "max_completion_tokens";
  streamUsage: boolean;
}

/** The body of `POST /chat/completions`; a field that was not asked for is not in it. */
export function toOpenAIRequest(request: ChatRequest, options: OpenAIRequestOptions): Record<string, unknown> {
  const { system, tools, responseFormat } = request;
  const effort = effortOf(request);
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
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...(responseFormat ? { response_format: toResponseFormat(responseFormat) } : {}),
  };
}

function toOpenAIMessage(message: PromptMessage): Record<string, unknown> {
  const { role, content, toolCalls, toolCallId, name } = message;
  const author = name === undefined ? { role } : { role, name };
  if (role === "user") return { ...author, content: typeof content === "string" ? content : content.map(toOpenAIPart) };
  if (role === "tool") return { ...author, tool_call_id: toolCallId ?? "", content: textOf(content) };
  if (!toolCalls?.length) return { ...author, content: textOf(content) };
  return {
    ...author,
    content: textOf(content) || null,
    tool_calls: toolCalls.map((call) => ({
      id: call.id,
      type: "function",
      function: { name: call.name, arguments: JSON.stringify(inputOf(call)) },
    })),
  };
}

function toOpenAIPart(part: ContentPart): Record<string, unknown> {
  if (part.type === "text") return { type: "text", text: part.text };
  return { type: "image_url", image_url: { url: part.url, ...(part.detail ? { detail: part.detail } : {}) } };
}

function toOpenAITool({ name, description, input, strict }: ToolDefinition): Record<string, unknown> {
  const about = { ...(description ? { description } : {}), ...(strict === undefined ? {} : { strict }) };
  return { type: "function", function: { name, ...about, parameters: input } };
}

function toOpenAIChoice(choice: ToolChoice): unknown {
  return typeof choice === "string" ? choice : { type: "function", function: { name: choice.name } };
}

function toResponseFormat(schema: Record<string, unknown>): Record<string, unknown> {
  return { type: "json_schema", json_schema: toNamedSchema(schema) };
}
