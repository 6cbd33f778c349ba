import { inputOf } from "../../shared/chat-messages.ts";
import type {
  ChatRequest,
  ContentPart,
  PromptMessage,
  ReasoningOptions,
  ToolChoice,
  ToolDefinition,
} from "../chat-provider.ts";
import { contentWithName, textOf } from "../prompt-text.ts";
import { isStrictSchema } from "../openai/strict-schema.ts";

type Block = Record<string, unknown>;
interface Turn {
  role: "user" | "assistant";
  content: Block[];
}

const DEFAULT_MAX_TOKENS = 4096;
const DATA_URL = /^data:([^;,]+);base64,(.*)$/s;

/**
 * The body of `POST /messages`. System texts go to the top level; neighbours of one role become one turn; the results
 * of one round of tools stand first in it; empty texts, which the API refuses, are left out. A schema for the answer that
 * the API could not enforce goes into the system text instead.
 */
export function toAnthropicRequest(request: ChatRequest): Record<string, unknown> {
  const { tools, responseFormat, reasoning = {} } = request;
  const enforced = responseFormat !== undefined && isStrictSchema(responseFormat) ? responseFormat : undefined;
  const system = [
    ...(request.system ? [request.system] : []),
    ...request.messages.filter(isInstruction).map((message) => textOf(contentWithName(message))),
    ...(responseFormat !== undefined && enforced === undefined ? [schemaInstruction(responseFormat)] : []),
  ].filter((text) => text !== "");
  return {
    model: request.model,
    // Reasoning counts too.
    max_tokens: request.maxTokens ?? DEFAULT_MAX_TOKENS + (reasoning.budgetTokens ?? 0),
    messages: toTurns(request.messages),
    stream: true,
    ...(system.length > 0 ? { system: system.join("\n\n") } : {}),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.topP === undefined ? {} : { top_p: request.topP }),
    ...(request.stop?.length ? { stop_sequences: request.stop } : {}),
    ...(tools?.length ? { tools: tools.map(toAnthropicTool) } : {}),
    ...(tools?.length && request.toolChoice !== undefined
      ? { tool_choice: toAnthropicChoice(request.toolChoice) }
      : {}),
    ...toThinking(request.model, reasoning),
    ...toOutputConfig(reasoning, enforced),
  };
}

/** From these models on they decide themselves how much they think, and refuse a budget; earlier ones know nothing else. */
const ADAPTIVE_MODEL = /^claude-(?:opus|sonnet|haiku|fable|mythos)-(?:4-[6-9]|[5-9])/;

function toThinking(model: string, { effort, budgetTokens }: ReasoningOptions): Block {
  if (budgetTokens !== undefined) return { thinking: { type: "enabled", budget_tokens: budgetTokens } };
  if (effort === "none") return { thinking: { type: "disabled" } };
  if (effort === undefined || !ADAPTIVE_MODEL.test(model)) return {};
  // Some models say nothing of what they think unless they are asked to.
  return { thinking: { type: "adaptive", display: "summarized" } };
}

function toOutputConfig({ effort }: ReasoningOptions, schema: Record<string, unknown> | undefined): Block {
  const config = {
    ...(effort === undefined || effort === "none" ? {} : { effort: effort === "minimal" ? "low" : effort }),
    ...(schema === undefined ? {} : { format: { type: "json_schema", schema } }),
  };
  return Object.keys(config).length === 0 ? {} : { output_config: config };
}

function isInstruction({ role }: PromptMessage): boolean {
  return role === "system" || role === "developer";
}

function schemaInstruction(schema: Record<string, unknown>): string {
  return `Answer with one JSON document and nothing else, no code fence. It must fit this JSON schema:\n${JSON.stringify(schema)}`;
}

function toTurns(messages: readonly PromptMessage[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    if (isInstruction(message)) continue;
    const role = message.role === "assistant" ? "assistant" : "user";
    const blocks = toBlocks(message);
    if (blocks.length === 0) continue;
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else turns.push({ role, content: blocks });
  }
  // The API wants a user to begin; a conversation may begin with the assistant, or hold system texts only.
  if (turns[0]?.role !== "user") turns.unshift({ role: "user", content: [{ type: "text", text: "(start)" }] });
  for (const turn of turns) if (turn.role === "user") turn.content = resultsFirst(turn.content);
  const final = turns.at(-1);
  const ending = final?.role === "assistant" ? final.content.at(-1) : undefined;
  if (ending?.["type"] === "text") ending["text"] = String(ending["text"]).trimEnd();
  return turns;
}

function toBlocks(message: PromptMessage): Block[] {
  const { role, toolCalls, toolCallId, isError, thoughts } = message;
  const content = contentWithName(message);
  if (role === "tool") {
    const result = { type: "tool_result", tool_use_id: toolCallId ?? "", content: textOf(content) };
    return [isError ? { ...result, is_error: true } : result];
  }
  const parts: ContentPart[] = typeof content === "string" ? [{ type: "text", text: content }] : content;
  const blocks = parts
    .filter((part) => (part.type === "text" ? part.text.trim() !== "" : role === "user"))
    .map((part) =>
      part.type === "text" ? { type: "text", text: part.text } : { type: "image", source: toSource(part.url) },
    );
  const calls = (toolCalls ?? []).map((call) => ({
    type: "tool_use",
    id: call.id,
    name: call.name,
    input: inputOf(call),
  }));
  const thinking = thoughts?.provider === "anthropic" ? (thoughts.items as Block[]) : [];
  return [...thinking, ...blocks, ...calls];
}

function toSource(url: string): Block {
  const data = DATA_URL.exec(url);
  return data ? { type: "base64", media_type: data[1], data: data[2] } : { type: "url", url };
}

function resultsFirst(blocks: Block[]): Block[] {
  const isResult = (block: Block): boolean => block["type"] === "tool_result";
  return [...blocks.filter(isResult), ...blocks.filter((block) => !isResult(block))];
}

function toAnthropicTool({ name, description, input, strict }: ToolDefinition): Block {
  const about = { ...(description ? { description } : {}), ...(strict === undefined ? {} : { strict }) };
  return { name, ...about, input_schema: { type: "object", ...input } };
}

function toAnthropicChoice(choice: ToolChoice): Block {
  if (typeof choice !== "string") return { type: "tool", name: choice.name };
  return { type: choice === "required" ? "any" : choice };
}
