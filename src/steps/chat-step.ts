import { randomUUID } from "node:crypto";
import {
  createChatProvider,
  DEFAULT_CHAT_MODELS,
  parseChatInput,
  parseChatOptions,
  resolveProviderSettings,
  type ChatOptions,
  type ChatProvider,
  type ChatRequest,
  type CreateProviderOptions,
  type EndChunk,
  type ModelSettings,
  type ToolDefinition,
} from "../providers/index.ts";
import type { TextMessage, ToolCall } from "../shared/chat-messages.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { Step, StepContext } from "./step.ts";

export interface ChatStepOptions extends CreateProviderOptions {
  /** The model that is asked when a script names none. */
  settings: ModelSettings;
  /** Told before each call which provider is about to be asked. */
  onCall?: (provider: ChatProvider) => void;
}

/** What reaches the step from a script: the options of `newStep()` and the input of the run. */
interface ChatStepInput {
  options?: unknown;
  input?: unknown;
}

/**
 * The step that asks a chat model: a conversation in, one assistant message out, its text as partials. Options come
 * from the input, then from the step, then from the host's settings. Keys, addresses and headers are the host's alone.
 */
export function createChatStep(options: ChatStepOptions): Step<ChatStepInput, TextMessage> {
  const providers = new Map<string, { provider: ChatProvider; model: string }>();

  /** A script may name another provider than the host's; that one then has its own defaults. */
  function providerFor(asked: string | undefined): { provider: ChatProvider; model: string } {
    const own = resolveProviderSettings(options.settings, options.env).provider;
    const name = asked === undefined ? own : resolveProviderSettings({ provider: asked }, {}).provider;
    const known = providers.get(name);
    if (known !== undefined) return known;
    const settings = name === own ? options.settings : { provider: name };
    const made = { provider: createChatProvider(settings, options), model: settings.model ?? DEFAULT_CHAT_MODELS[name] };
    providers.set(name, made);
    return made;
  }

  return {
    info: { type: "chat", inputType: "Conversation", outputType: "Message", kind: "text" },
    async *run({ options: given, input }, context) {
      const [stepOptions, parsed] = await Promise.all([parseChatOptions(given), parseChatInput(input)]);
      const chosen: ChatOptions = { ...stepOptions, ...parsed.options };
      const { provider, model } = providerFor(chosen.provider);
      const request: ChatRequest = { ...toRequest(chosen), messages: parsed.messages };
      context.meta.messageId = randomUUID();
      context.meta.parentId = parentOf(input);
      context.meta.engine = request.model || model;
      options.onCall?.(provider);
      yield await answer(provider, request, context);
    },
  };
}

function toRequest({ provider: _, tools, maxToolRounds: __, model, ...rest }: ChatOptions): Omit<ChatRequest, "messages"> {
  const definitions: ToolDefinition[] = [];
  for (const tool of tools ?? []) {
    if (typeof tool === "string") {
      throw new GeppettoError("ValidationError", `Cannot offer the tool "${tool}": the host has no tool of that name`);
    }
    definitions.push(tool);
  }
  return { ...rest, model: model ?? "", ...(definitions.length > 0 ? { tools: definitions } : {}) };
}

/** Id of the message that is answered, where the input is a conversation. */
function parentOf(input: unknown): string {
  const { current } = (input ?? {}) as { current?: unknown };
  return typeof current === "string" ? current : "";
}

async function answer(provider: ChatProvider, request: ChatRequest, context: StepContext): Promise<TextMessage> {
  let text = "";
  let end: EndChunk | undefined;
  const toolCalls: ToolCall[] = [];
  for await (const chunk of provider.stream(request, { signal: context.signal })) {
    switch (chunk.type) {
      case "text":
        text += chunk.delta;
        await context.publish({ type: "partial", delta: chunk.delta });
        break;
      case "tool-call":
        toolCalls.push(chunk.toolCall);
        await context.publish({ type: "tool-call", toolCall: chunk.toolCall });
        break;
      case "end":
        end = chunk;
        break;
    }
  }
  return toMessage(text, toolCalls, end!, context);
}

function toMessage(text: string, toolCalls: ToolCall[], end: EndChunk, { meta, metadata }: StepContext): TextMessage {
  const { engine, stopReason, providerStopReason, usage } = end;
  meta.engine = engine;
  const facts = { engine, stopReason, providerStopReason, ...(usage ? { usage } : {}) };
  Object.assign(metadata, facts);
  const time = new Date().toISOString();
  return {
    id: meta.messageId,
    parentID: meta.parentId,
    time,
    lastUpdate: time,
    metadata: facts,
    type: "chat-message",
    role: "assistant",
    text,
    ...(toolCalls.length > 0 ? { toolCalls } : {}),
  };
}
