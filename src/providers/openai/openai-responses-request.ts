import { GeppettoError } from "../../shared/errors.ts";
import { inputOf } from "../../shared/chat-messages.ts";
import type { ChatRequest, ContentPart, PromptMessage, ToolChoice, ToolDefinition } from "../chat-provider.ts";
import { contentWithName, textOf } from "../prompt-text.ts";
import { effortOf } from "./openai-reasoning.ts";
import { isStrictSchema, toNamedSchema } from "./strict-schema.ts";
import { recordOf } from "../input/unknown-fields.ts";

type Item = Record<string, unknown>;

/** Models that think, and can be asked for their thoughts in encrypted form; others answer that with an error. */
const REASONING_MODEL = /^(?:o\d|gpt-[5-9](?!.*chat)|codex)/;

/**
 * The body of `POST /responses`, stateless: nothing is stored there, and a thinking model's encrypted thoughts come back
 * to be sent again with the results of its tools.
 *
 * @throws {GeppettoError} ValidationError for `stop`, which this API does not have.
 */
export function toResponsesRequest(request: ChatRequest): Record<string, unknown> {
  const { system, tools, responseFormat, model } = request;
  const effort = effortOf(request);
  if (request.stop?.length) {
    throw new GeppettoError(
      "ValidationError",
      "Cannot use the option stop: OpenAI's responses API does not support it, use api: chat",
    );
  }
  return {
    model,
    input: request.messages.flatMap(toItems),
    stream: true,
    store: false,
    ...(system ? { instructions: system } : {}),
    ...(REASONING_MODEL.test(model) ? { include: ["reasoning.encrypted_content"] } : {}),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.maxTokens === undefined ? {} : { max_output_tokens: request.maxTokens }),
    ...(request.topP === undefined ? {} : { top_p: request.topP }),
    ...(tools?.length ? { tools: tools.map(toTool) } : {}),
    ...(tools?.length && request.toolChoice !== undefined ? { tool_choice: toChoice(request.toolChoice) } : {}),
    // A summary is all that OpenAI shows of its models' reasoning.
    ...(effort === undefined ? {} : { reasoning: { effort, ...(effort === "none" ? {} : { summary: "auto" }) } }),
    ...(responseFormat ? { text: { format: { type: "json_schema", ...toNamedSchema(responseFormat) } } } : {}),
  };
}

function toItems(message: PromptMessage): Item[] {
  const { role, toolCalls, toolCallId, thoughts } = message;
  const content = contentWithName(message);
  if (role === "tool") return [{ type: "function_call_output", call_id: toolCallId ?? "", output: textOf(content) }];
  if (role === "user") return [{ role, content: typeof content === "string" ? content : content.map(toPart) }];
  const text = textOf(content);
  if (role === "system" || role === "developer") return [{ role, content: text }];
  const reasoning = thoughts?.provider === "openai-responses" ? (thoughts.items as Item[]).map(toReasoning) : [];
  const calls = (toolCalls ?? []).map((call) => ({
    type: "function_call",
    call_id: call.id,
    name: call.name,
    arguments: JSON.stringify(inputOf(call)),
  }));
  return [...reasoning, ...(text === "" ? [] : [{ role, content: text }]), ...calls];
}

function toReasoning(item: Item): Item {
  const { type, id, summary, encrypted_content } = recordOf(item) ?? {};
  return { type, id, summary, encrypted_content };
}

function toPart(part: ContentPart): Item {
  if (part.type === "text") return { type: "input_text", text: part.text };
  return { type: "input_image", image_url: part.url, detail: part.detail ?? "auto" };
}

function toTool({ name, description, input, strict = isStrictSchema(input) }: ToolDefinition): Item {
  return { type: "function", name, ...(description ? { description } : {}), parameters: input, strict };
}

function toChoice(choice: ToolChoice): unknown {
  return typeof choice === "string" ? choice : { type: "function", name: choice.name };
}
