import { timeSource } from "../base/time/time-source.ts";
import { abortable } from "../base/abortable.ts";
import type { ChatProvider, ChatRequest, PromptMessage } from "../providers/chat-provider.ts";
import { createChatProvider } from "../providers/create-chat-provider.ts";
import { DEFAULT_CHAT_MODELS } from "../providers/vendors.ts";
import type { CreateProviderOptions } from "../providers/create-provider-options.ts";
import { parseChatInput, parseChatOptions, type ChatOptions } from "../providers/input/chat-input.ts";
import type { PriceTable } from "../providers/cost/price-table.ts";
import { type ModelSettings, resolveProviderSettings } from "../providers/settings.ts";
import { GeppettoError } from "../shared/errors.ts";
import { answerInRounds } from "./chat-rounds.ts";
import { type AnswerMessage, toAnswerMessage } from "./chat-message.ts";
import { concludeParsed, createAnswerFormat } from "./chat-structured.ts";
import { type ApproveCall, type HostTool, ToolBox } from "./chat-tools.ts";
import type { StepSource } from "./step.ts";

export interface ChatStepOptions extends CreateProviderOptions {
  /** The model that is asked when a script names none. */
  settings: ModelSettings;
  /** Answers in place of what the settings name; a script that names another provider gets that one still. */
  chatProvider?: ChatProvider;
  /** Told before each call which provider is about to be asked. */
  onCall?: (provider: ChatProvider) => void;
  /** The host's tools by name; read at each run. */
  hostTools?: ReadonlyMap<string, HostTool>;
  /** Decides about each tool call; without it all are made. */
  onApprove?: ApproveCall;
  /** Checks the URL of an image, and gives the one that is sent; throws for one that must not be. */
  resolveImage?: (url: string) => string;
  /** Longest time of one tool call where neither tool nor script says anything; default 60,000. */
  toolTimeoutMs?: number;
}

/** What reaches the step from a script. */
interface ChatStepInput {
  /** The options of `newStep()`. */
  options?: unknown;
  input?: unknown;
  /** Names of the tools among the options that the script can run. */
  runnable?: unknown;
}

interface AskedProvider {
  provider: ChatProvider;
  /** What is asked where nobody names a model. */
  model: string;
  /** What its models cost. */
  pricing: { prices: PriceTable | undefined; isLocal: boolean };
}

const DEFAULT_TOOL_ROUNDS = 20;
const DEFAULT_TOOL_TIMEOUT_MS = 60_000;

/**
 * The step that asks a chat model: a conversation in, one assistant message out, its text as partials, the tools that
 * it wants called on the way. Options come from the input, then from the step, then from the host's settings. Keys,
 * addresses and headers are the host's alone.
 */
export function createChatStep(options: ChatStepOptions): StepSource<ChatStepInput, AnswerMessage> {
  /** Also what checks of schemas are queued by: those of different chat steps do not wait for each other. */
  const providers = new Map<string, AskedProvider>();

  /** A script may name another provider than the host's; that one then has its own defaults. */
  function providerFor(asked: string | undefined): AskedProvider {
    const own = resolveProviderSettings(options.settings, options.env).provider;
    const name = asked === undefined ? own : resolveProviderSettings({ provider: asked }, {}).provider;
    const known = providers.get(name);
    if (known !== undefined) return known;
    const settings = name === own ? options.settings : { provider: name };
    const given = name === own ? options.chatProvider : undefined;
    const provider = given ?? createChatProvider(settings, options);
    const { prices, isLocal } = resolveProviderSettings(settings, options.env);
    const made = { provider, model: settings.model ?? DEFAULT_CHAT_MODELS[name], pricing: { prices, isLocal } };
    providers.set(name, made);
    return made;
  }

  function toolBoxFor(chosen: ChatOptions, runnable: unknown, signal: AbortSignal): Promise<ToolBox> {
    return ToolBox.create({
      tools: chosen.tools ?? [],
      runnable: new Set(Array.isArray(runnable) ? runnable.filter((name) => typeof name === "string") : []),
      hostTools: options.hostTools ?? new Map(),
      timeoutMs: chosen.toolTimeoutMs ?? options.toolTimeoutMs ?? DEFAULT_TOOL_TIMEOUT_MS,
      onApprove: options.onApprove,
      owner: providers,
      signal,
    });
  }

  return {
    info: { type: "chat", inputType: "Conversation", outputType: "Message", kind: "text" },
    metaFor({ options: given, input }) {
      const { provider, model } = namesOf(given, input);
      try {
        const engine = model ?? providerFor(provider).model;
        return { messageId: timeSource().uuid(), parentId: parentOf(input), engine };
      } catch {
        // The run says what is wrong with it.
        return {};
      }
    },
    async *run({ options: given, input, runnable }, context) {
      const [stepOptions, parsed] = await Promise.all([parseChatOptions(given), parseChatInput(input)]);
      const chosen: ChatOptions = { ...stepOptions, ...parsed.options };
      const { provider, model, pricing } = providerFor(chosen.provider);
      const tools = await abortable(toolBoxFor(chosen, runnable, context.signal), context.signal);
      const format =
        chosen.responseFormat &&
        (await createAnswerFormat(chosen.responseFormat, { owner: providers, signal: context.signal }));
      const request: ChatRequest = {
        ...toRequest(chosen, tools),
        messages: withImages(parsed.messages, options.resolveImage),
      };
      if (context.meta.messageId === context.runId) context.meta.messageId = timeSource().uuid();
      context.meta.parentId = parentOf(input);
      context.meta.engine = request.model || model;
      options.onCall?.(provider);
      const maxToolRounds = chosen.maxToolRounds ?? DEFAULT_TOOL_ROUNDS;
      const conclusion = await answerInRounds({ provider, request, tools, maxToolRounds }, context);
      if (format === undefined) yield toAnswerMessage(conclusion, context, pricing);
      else {
        const { conclusion: repaired, ...value } = await concludeParsed(
          conclusion,
          format,
          { provider, request },
          context,
        );
        yield toAnswerMessage(repaired, context, { ...value, ...pricing });
      }
    },
  };
}

function toRequest(chosen: ChatOptions, tools: ToolBox): Omit<ChatRequest, "messages"> {
  const { provider: _, tools: __, maxToolRounds: ___, toolTimeoutMs: ____, model, toolChoice, ...rest } = chosen;
  if (typeof toolChoice === "object" && !tools.has(toolChoice.name)) {
    throw new GeppettoError("ValidationError", `Cannot use toolChoice: no tool is named "${toolChoice.name}"`);
  }
  const { definitions } = tools;
  return {
    ...rest,
    model: model ?? "",
    ...(definitions.length > 0 ? { tools: definitions } : {}),
    ...(toolChoice === undefined ? {} : { toolChoice }),
  };
}

/** The messages with the URLs of their images as a provider is to get them. */
export function withImages(messages: PromptMessage[], resolve?: (url: string) => string): PromptMessage[] {
  if (resolve === undefined) return messages;
  return messages.map((message) => {
    if (typeof message.content === "string") return message;
    const content = message.content.map((part) => (part.type === "image" ? { ...part, url: resolve(part.url) } : part));
    return { ...message, content };
  });
}

/** Which provider and model are asked for, as far as that can be seen without a check. */
function namesOf(options: unknown, input: unknown): { provider?: string | undefined; model?: string | undefined } {
  const named = (field: "provider" | "model"): unknown => fieldOf(input, field) ?? fieldOf(options, field);
  const [provider, model] = [named("provider"), named("model")];
  return {
    provider: typeof provider === "string" ? provider : undefined,
    model: typeof model === "string" && model !== "" ? model : undefined,
  };
}

/** Id of the message that is answered, where the input is a conversation. */
function parentOf(input: unknown): string {
  const current = fieldOf(input, "current");
  return typeof current === "string" ? current : "";
}

function fieldOf(value: unknown, field: string): unknown {
  return (value as Record<string, unknown> | null | undefined)?.[field];
}
