import { inputOf } from "../../shared/chat-messages.ts";
import type { ChatRequest, ContentPart, PromptMessage, ProviderThoughts, ToolDefinition } from "../chat-provider.ts";
import { contentWithName, textOf } from "../prompt-text.ts";
import { type AiSdkModel, Unsupported } from "./ai-sdk-model.ts";

type Part = Record<string, unknown>;
interface Message {
  role: "system" | "user" | "assistant" | "tool";
  content: string | Part[];
}

/** What is kept of an answer for the request after it: signed thoughts, and what belongs to calls. */
export type KeptPart =
  | { type: "reasoning"; text: string; providerOptions?: unknown }
  | { type: "tool-call"; toolCallId: string; providerOptions: unknown };

/** The images that this model takes by URL. */
export type TakesURL = (url: string) => boolean;

/**
 * The options of `doStream` for a request.
 *
 * @throws {Unsupported} for what this version of the API has no way to say.
 */
export function toAiSdkOptions(
  request: ChatRequest,
  { model, name, takesURL, signal }: { model: AiSdkModel; name: string; takesURL: TakesURL; signal: AbortSignal },
): Record<string, unknown> {
  const { temperature, maxTokens, topP, stop, seed, tools, toolChoice, reasoning, responseFormat } = request;
  const version = model.specificationVersion;
  return withoutUndefined({
    prompt: toPrompt(request, { model, name, takesURL }),
    temperature,
    maxOutputTokens: maxTokens,
    topP,
    stopSequences: stop,
    seed,
    tools: tools?.map((tool) => toTool(tool, version)),
    toolChoice:
      typeof toolChoice === "object" ? { type: "tool", toolName: toolChoice.name } : toolChoice && { type: toolChoice },
    reasoning: toReasoning(reasoning, version),
    responseFormat: responseFormat && { type: "json", schema: responseFormat, ...titleOf(responseFormat) },
    abortSignal: signal,
  });
}

function toReasoning(reasoning: ChatRequest["reasoning"], version: AiSdkModel["specificationVersion"]): unknown {
  if (reasoning === undefined) return undefined;
  const { effort, budgetTokens } = reasoning;
  if (budgetTokens !== undefined) throw new Unsupported("reasoning.budgetTokens", "the AI SDK has no such option");
  if (effort !== undefined && version !== "v4") {
    throw new Unsupported("reasoning.effort", `models of the AI SDK's ${version} have no such option`);
  }
  return effort;
}

function toTool({ name, description, input, strict }: ToolDefinition, version: string): Part {
  if (strict !== undefined && version === "v2") {
    throw new Unsupported(`strict of the tool "${name}"`, "models of the AI SDK's v2 have no such option");
  }
  return withoutUndefined({ type: "function", name, description, inputSchema: input, strict });
}

function titleOf({ title }: Record<string, unknown>): { name?: string } {
  return typeof title === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(title) ? { name: title } : {};
}

function toPrompt(
  { system, messages }: ChatRequest,
  own: { model: AiSdkModel; name: string; takesURL: TakesURL },
): Message[] {
  const prompt: Message[] = system === undefined ? [] : [{ role: "system", content: system }];
  const names = new Map<string, string>();
  for (const message of messages) {
    const { role, toolCalls = [], toolCallId = "" } = message;
    if (role === "system" || role === "developer") {
      prompt.push({ role: "system", content: textOf(contentWithName(message)) });
    } else if (role === "user") {
      const content = contentWithName(message);
      const parts = typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
      prompt.push({ role: "user", content: parts.map((part) => toUserPart(part, own)) });
    } else if (role === "assistant") {
      for (const { id, name } of toolCalls) names.set(id, name);
      prompt.push({ role: "assistant", content: toAssistantParts(message, own.name) });
    } else {
      const result = {
        type: "tool-result",
        toolCallId,
        toolName: names.get(toolCallId) ?? "unknown",
        output: { type: message.isError === true ? "error-text" : "text", value: textOf(message.content) },
      };
      // The results of one round are one message.
      const last = prompt.at(-1);
      if (last?.role === "tool") (last.content as Part[]).push(result);
      else prompt.push({ role: "tool", content: [result] });
    }
  }
  return prompt;
}

function toUserPart(part: ContentPart, { model, takesURL }: { model: AiSdkModel; takesURL: TakesURL }): Part {
  if (part.type === "text") return { type: "text", text: part.text };
  const { url, detail } = part;
  const [, mediaType, base64] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? [];
  if (base64 === undefined && !takesURL(url)) {
    throw new Unsupported("images by URL", "give the image itself, as a data: URL");
  }
  const data = base64 ?? new URL(url);
  const wrapped =
    model.specificationVersion !== "v4"
      ? data
      : base64 === undefined
        ? { type: "url", url: data }
        : { type: "data", data };
  return {
    type: "file",
    mediaType: mediaType ?? "image/*",
    data: wrapped,
    // The one API that asks for it reads it there; the others do not know it.
    ...(detail === undefined ? {} : { providerOptions: { openai: { imageDetail: detail } } }),
  };
}

function toAssistantParts(message: PromptMessage, name: string): Part[] {
  const { toolCalls = [], thoughts } = message;
  const kept = keptOf(thoughts, name);
  const text = textOf(contentWithName(message));
  const optionsOf = (id: string): Part => {
    const own = kept.find((part) => part.type === "tool-call" && part.toolCallId === id);
    return own === undefined ? {} : { providerOptions: own.providerOptions };
  };
  return [
    ...kept.filter(({ type }) => type === "reasoning"),
    ...(text === "" && toolCalls.length > 0 ? [] : [{ type: "text", text }]),
    ...toolCalls.map((call) => ({
      type: "tool-call",
      toolCallId: call.id,
      toolName: call.name,
      input: inputOf(call),
      ...optionsOf(call.id),
    })),
  ];
}

/** Another provider's thoughts say nothing to this one. */
function keptOf(thoughts: ProviderThoughts | undefined, name: string): KeptPart[] {
  return thoughts?.provider === name ? (thoughts.items as KeptPart[]) : [];
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
