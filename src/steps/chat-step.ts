import type { PersonWaits } from "../base/calls/person-waits.ts";
import { timeSource } from "../base/time/time-source.ts";
import { abortable } from "../base/abortable.ts";
import type { ChatProvider, ChatRequest, PromptMessage } from "../providers/chat-provider.ts";
import { createChatProvider } from "../providers/create-chat-provider.ts";
import { tracedChat } from "../providers/traced/traced-chat.ts";
import { DEFAULT_CHAT_MODELS } from "../providers/vendors.ts";
import type { CreateProviderOptions } from "../providers/create-provider-options.ts";
import {
  parseChatInput,
  parseChatOptions,
  placeOf,
  type ChatInput,
  type ChatOptions,
} from "../providers/input/chat-input.ts";
import type { PriceTable } from "../providers/cost/price-table.ts";
import {
  type ChatModelSettings,
  hasOwnProvider,
  type ModelSettings,
  type OwnChatSettings,
  resolveProviderSettings,
} from "../providers/settings.ts";
import { GeppettoError } from "../shared/errors.ts";
import { answerInRounds } from "./chat-rounds.ts";
import { ChatContext, type KeptSummary } from "./chat-context.ts";
import { checkGuards, guestHooks, hostHooks, type ToolHooks } from "./chat-hooks.ts";
import { type AnswerMessage, toAnswerMessage } from "./chat-message.ts";
import { concludeParsed, createAnswerFormat } from "./chat-structured.ts";
import type { HostTool } from "./chat-tool.ts";
import { type ApproveCall, ToolBox } from "./chat-tools.ts";
import type { StepSource } from "./step.ts";

export interface ChatStepOptions extends CreateProviderOptions {
  /** The model that is asked when a script names none. */
  settings: ChatModelSettings;
  /** Answers in place of what the settings name; a script that names another provider gets that one still. */
  chatProvider?: ChatProvider;
  /** Told before each call which provider is about to be asked. */
  onCall?: (provider: ChatProvider) => void;
  /** The host's tools by name; read at each run. */
  hostTools?: ReadonlyMap<string, HostTool>;
  /** Decides about each tool call; without it all are made. */
  onApprove?: ApproveCall;
  /** Waiting for somebody is not a tool's time. */
  personWaits?: PersonWaits;
  /** The host's own hooks around calls of tools; those of a script are around its own view of the same calls. */
  hooks?: ToolHooks;
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
  /** The summary that a session has of what was said before. */
  summary?: unknown;
}

interface AskedProvider {
  /** Its settings, as JSON. */
  madeFrom: string;
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
  checkGuards("make a chat step", options);
  /** Also what checks of schemas are queued by: those of different chat steps do not wait for each other. */
  const providers = new Map<string, AskedProvider>();
  const owns = new WeakMap<object, AskedProvider>();

  /** A script may name another provider than the host's; that one then has its own defaults. */
  function providerFor(asked: string | undefined): AskedProvider {
    const { settings: host } = options;
    if (hasOwnProvider(host)) {
      const { name } = host.provider;
      return asked === undefined || asked === name ? ownProvider(host) : vendorsProvider(asked, undefined);
    }
    const vendors = host as ModelSettings;
    return vendorsProvider(asked ?? vendors.provider, vendors);
  }

  function vendorsProvider(asked: string, host: ModelSettings | undefined): AskedProvider {
    const own = host && resolveProviderSettings(host, options.env).provider;
    const name = resolveProviderSettings({ provider: asked }, {}).provider;
    // The host may have changed its settings since.
    const settings: ModelSettings = host !== undefined && name === own ? { ...host } : { provider: name };
    const madeFrom = JSON.stringify(settings);
    const known = providers.get(name);
    if (known?.madeFrom === madeFrom) return known;
    const given = name === own ? options.chatProvider : undefined;
    const provider = given === undefined ? createChatProvider(settings, options) : tracedChat(given, {});
    const { prices, isLocal } = resolveProviderSettings(settings, options.env);
    const made = {
      madeFrom,
      provider,
      model: settings.model ?? DEFAULT_CHAT_MODELS[name],
      pricing: { prices, isLocal },
    };
    providers.set(name, made);
    return made;
  }

  function ownProvider(host: OwnChatSettings): AskedProvider {
    const { provider: own, ...rest } = host;
    const madeFrom = JSON.stringify(rest);
    const known = owns.get(own);
    if (known?.madeFrom === madeFrom) return known;
    const pricing = { prices: host.prices, isLocal: false };
    const made = { madeFrom, provider: createChatProvider(host, options), model: own.model, pricing };
    owns.set(own, made);
    return made;
  }

  function toolBoxFor(chosen: ChatOptions, runnable: unknown, signal: AbortSignal): Promise<ToolBox> {
    const { hooks = {} } = chosen;
    const hasOwn = hooks.beforeTool === true || hooks.afterTool === true;
    return ToolBox.create({
      tools: chosen.tools ?? [],
      runnable: new Set(Array.isArray(runnable) ? runnable.filter((name) => typeof name === "string") : []),
      hostTools: options.hostTools ?? new Map(),
      timeoutMs: chosen.toolTimeoutMs ?? options.toolTimeoutMs ?? DEFAULT_TOOL_TIMEOUT_MS,
      onApprove: options.onApprove,
      personWaits: options.personWaits,
      hooks: [...(hasOwn ? [guestHooks(hooks)] : []), ...(options.hooks ? [hostHooks(options.hooks)] : [])],
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
    async *run({ options: given, input, runnable, summary }, context) {
      const time = timeSource();
      const place = time.place();
      const [stepOptions, parsed] = await Promise.all([parseChatOptions(given), parseChatInput(input)]);
      const chosen: ChatOptions = { ...stepOptions, ...parsed.options };
      const { provider, model, pricing } = providerFor(chosen.provider);
      const tools = await abortable(toolBoxFor(chosen, runnable, context.signal), context.signal);
      const format =
        chosen.responseFormat &&
        (await createAnswerFormat(chosen.responseFormat, { owner: providers, signal: context.signal }));
      // What is loaded on first use, and the check of schemas, take their time.
      await time.arrive(context.signal, place);
      const messages = withImages(parsed.messages, options.resolveImage);
      const fitting = contextOf(chosen, { provider, model: chosen.model ?? model, parsed, messages });
      const request: ChatRequest = {
        ...toRequest(chosen, tools),
        messages: fitting === undefined ? messages : fitting.resume(messages, readSummary(summary)),
      };
      const fit = fitting && ((asked: ChatRequest) => fitting.fit(asked, context));
      if (context.meta.messageId === context.runId) context.meta.messageId = timeSource().uuid();
      context.meta.parentId = parentOf(input);
      context.meta.engine = request.model || model;
      options.onCall?.(provider);
      const maxToolRounds = chosen.maxToolRounds ?? DEFAULT_TOOL_ROUNDS;
      const conclusion = await answerInRounds({ provider, request, tools, maxToolRounds, fit }, context);
      const extra = { ...pricing, ...(fitting === undefined ? {} : { fitting }) };
      if (format === undefined) yield toAnswerMessage(conclusion, context, extra);
      else {
        const asking = { provider, request, fit };
        const { conclusion: repaired, ...value } = await concludeParsed(conclusion, format, asking, context);
        yield toAnswerMessage(repaired, context, { ...value, ...extra });
      }
    },
  };
}

/** What keeps the messages within the context that was chosen, where one was. */
function contextOf(
  { context }: ChatOptions,
  {
    provider,
    model,
    parsed,
    messages,
  }: { provider: ChatProvider; model: string; parsed: ChatInput; messages: PromptMessage[] },
): ChatContext | undefined {
  if (context === undefined) return undefined;
  const places = new Map<PromptMessage, number>();
  for (const [index, message] of messages.entries()) places.set(message, placeOf(parsed.messages[index]!) ?? index);
  return new ChatContext(context, { provider, model, places });
}

function readSummary(given: unknown): KeptSummary | undefined {
  const { text, place } = (given ?? {}) as { text?: unknown; place?: unknown };
  return typeof text === "string" && typeof place === "number" ? { text, place } : undefined;
}

function toRequest(chosen: ChatOptions, tools: ToolBox): Omit<ChatRequest, "messages"> {
  const {
    provider: _,
    tools: __,
    maxToolRounds: ___,
    toolTimeoutMs: ____,
    context: _____,
    hooks: ______,
    model,
    toolChoice,
    ...rest
  } = chosen;
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
