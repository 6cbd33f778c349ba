import { abortable } from "../../../base/abortable.ts";
import { requireBudget, type Budget } from "../../../providers/cost/budget.ts";
import type { ChatProvider, ToolChoice } from "../../../providers/chat-provider.ts";
import type { Fetch } from "../../../providers/sdk/watched-fetch.ts";
import { type Environment, type ModelSettings, resolveProviderSettings } from "../../../providers/settings.ts";
import { checkGuards } from "../../../steps/chat-hooks.ts";
import { createChatStep } from "../../../steps/chat-step.ts";
import type { HostTool } from "../../../steps/chat-tool.ts";
import type { ApproveCall } from "../../../steps/chat-tools.ts";
import {
  type ContentKind,
  endOfTurnElement,
  errorElement,
  messageElement,
  type PipelineMessage,
  type StreamElement,
} from "../../elements/element.ts";
import type { ElementReader, ElementWriter, Stage, StageContext } from "../../stage.ts";
import { streamAnswer, type ChatSource } from "./stream-answer.ts";
import { ChatHistory } from "./chat-history.ts";
import { ReadAhead } from "../read-ahead.ts";
import { MessageAssembler } from "./message-assembler.ts";
import { refuseWrong, type FieldsOf } from "../../../shared/wrong-option.ts";

export interface ProviderStageOptions {
  /** The model: settings, or a provider that is there already. Default the embedded demo model. */
  chat?: ModelSettings | ChatProvider;
  model?: string;
  system?: string;
  temperature?: number;
  maxTokens?: number;
  topP?: number;
  stop?: string[];
  seed?: number;
  /** What the model may call, by name. It is called here, and the model goes on with the results. */
  tools?: Readonly<Record<string, HostTool>>;
  toolChoice?: ToolChoice;
  /** Rounds of tool calls in one exchange; default 20. */
  maxToolRounds?: number;
  /** Longest time of one tool call where the tool says nothing; default 60,000. */
  toolTimeoutMs?: number;
  /** Asked before each tool call; default: all are made. */
  onApprove?: ApproveCall;
  /** JSON schema that the answer is to fit; its value is the message's `parsed`. */
  responseFormat?: Record<string, unknown>;
  /** Does the text go out as it comes? Default true; with false only the message does. */
  streaming?: boolean;
  /** Are the messages of the exchange handed on too, before the answer? Default true. */
  passInput?: boolean;
  /** Are earlier exchanges of the execution sent along? Default true. */
  history?: boolean;
  /** Most messages that are kept for that; default 200. */
  maxHistoryMessages?: number;
  /** An exchange that fails ends the execution ("fail", default), or is an error in the stream, and the next one is asked. */
  onError?: "fail" | "element";
  /** Where keys and base URLs come from that the settings do not have; default `process.env`. */
  env?: Environment;
  fetch?: Fetch;
  /** Put around a provider that is made of settings, outside of its retries: for recording and replaying. */
  wrap?: (provider: ChatProvider) => ChatProvider;
  /** What all calls together may cost. */
  budget?: Budget;
}

/** Tool calls are those of a model before this one: they pass. */
const ACCEPTS: readonly ContentKind[] = ["text", "message", "image", "parts", "tool-call"];
const EMBEDDED: ModelSettings = { provider: "embedded" };
const DEFAULT_MAX_HISTORY = 200;
/** Elements that are read while the model answers, so that an interrupt is heard. */
const MAX_AHEAD = 64;

const PROVIDER_FIELDS: FieldsOf<ProviderStageOptions> = {
  chat: true,
  model: true,
  system: true,
  temperature: "amountOrNone",
  maxTokens: "count",
  topP: "amountOrNone",
  stop: true,
  seed: "integer",
  tools: true,
  toolChoice: true,
  maxToolRounds: "amountOrNone",
  toolTimeoutMs: "amount",
  onApprove: true,
  responseFormat: true,
  streaming: true,
  passInput: true,
  history: true,
  maxHistoryMessages: "amountOrNone",
  onError: true,
  env: true,
  fetch: true,
  wrap: true,
  budget: true,
};

/**
 * Asks a chat model, once for each exchange: for what came before an `end-of-turn` or `end-of-stream`. The texts of an
 * exchange are the user's, and one message. It hands on the messages, then the answer's text as it comes, tool calls as
 * elements, then one message of the assistant's with `usage`, `stopReason` and `engine` in its metadata, then an
 * `end-of-turn`. An exchange with nothing new in it, but for history and system messages, asks nothing.
 *
 * One exchange at a time; others wait. An interrupt gives up the answer under way: its message has what was said so far
 * and `metadata.interrupted`. Exchanges before the interrupt whose answer has not begun get none and stay in the history.
 * A failure of the provider ends the execution; a stage that stops closes the connection.
 *
 * @example
 * const model = provider("model", { chat: { provider: "openai", model: "gpt-5-mini" }, system: "Be brief." });
 * @throws {GeppettoError} ConfigError at once for an unknown provider.
 */
export function provider(name: string, options: ProviderStageOptions = {}): Stage {
  refuseWrong(`make stage "${name}"`, options, PROVIDER_FIELDS);
  requireBudget(`make stage "${name}"`, options.budget);
  checkGuards(`make stage "${name}"`, { onApprove: options.onApprove });
  const { chat = EMBEDDED, env = process.env } = options;
  if (!("stream" in chat)) resolveProviderSettings(chat, env);
  return {
    name,
    type: "generate",
    accepts: ACCEPTS,
    process: (input, output, context) => new ProviderRun(options, output, context).execute(input),
  };
}

function toChatSource(options: ProviderStageOptions, touch: () => void): ChatSource {
  const { chat = EMBEDDED, env = process.env, tools = {}, onApprove, budget, fetch, wrap } = options;
  const { model, system, temperature, maxTokens, topP, stop, seed, toolChoice, responseFormat } = options;
  const { maxToolRounds, toolTimeoutMs } = options;
  const isProvider = "stream" in chat;
  const step = createChatStep({
    settings: isProvider ? EMBEDDED : chat,
    env,
    wrap: (made) => touching(wrap?.(made) ?? made, touch),
    hostTools: new Map(Object.entries(tools)),
    ...(isProvider ? { chatProvider: touching(chat, touch) } : {}),
    ...(onApprove ? { onApprove } : {}),
    ...(budget ? { budget } : {}),
    ...(fetch ? { fetch } : {}),
  });
  const given = { model, system, temperature, maxTokens, topP, stop, seed, toolChoice, responseFormat };
  const chosen = { ...given, maxToolRounds, toolTimeoutMs, tools: Object.keys(tools) };
  return { step, options: Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined)) };
}

/** The same provider: each sign of life, thoughts too, keeps the pipeline from being taken for idle. */
function touching(inner: ChatProvider, touch: () => void): ChatProvider {
  return {
    name: inner.name,
    async *stream(request, options) {
      for await (const chunk of inner.stream(request, options)) {
        touch();
        yield chunk;
      }
    },
  };
}

/** The stage in one execution. */
class ProviderRun {
  readonly #source: ChatSource;
  readonly #options: ProviderStageOptions;
  readonly #output: ElementWriter;
  readonly #context: StageContext;
  readonly #history: ChatHistory;
  readonly #messages = new MessageAssembler();
  #isAsked = false;

  constructor(options: ProviderStageOptions, output: ElementWriter, context: StageContext) {
    this.#source = toChatSource(options, context.touch);
    this.#options = options;
    this.#output = output;
    this.#context = context;
    const { history = true, maxHistoryMessages = DEFAULT_MAX_HISTORY } = options;
    this.#history = new ChatHistory({ keeps: history, maxMessages: maxHistoryMessages });
  }

  async execute(input: ElementReader): Promise<void> {
    const ahead = new ReadAhead(input, { maxSize: MAX_AHEAD });
    try {
      for (let element = await ahead.next(); element !== undefined; element = await ahead.next()) {
        await this.#take(element, ahead);
      }
      await this.#endExchange(ahead, undefined);
    } finally {
      ahead.close();
    }
  }

  async #take(element: StreamElement, ahead: ReadAhead): Promise<void> {
    switch (element.kind) {
      case "end-of-turn":
        await this.#endExchange(ahead, element);
        break;
      case "end-of-stream":
        await this.#endExchange(ahead, undefined);
        await this.#output.write(element);
        break;
      case "error":
      case "interrupt":
      case "tool-call":
        await this.#output.write(element);
        break;
      default:
        await this.#add(this.#messages.push(element));
        if (element.kind !== "message") this.#isAsked = true;
    }
  }

  async #add(elements: readonly Extract<StreamElement, { kind: "message" }>[]): Promise<void> {
    for (const element of elements) {
      const { message, metadata } = element;
      this.#history.add(message);
      if (metadata["history"] !== true && !isSystem(message)) this.#isAsked = true;
      if (this.#options.passInput ?? true) await this.#output.write(element);
    }
  }

  async #endExchange(ahead: ReadAhead, end: StreamElement | undefined): Promise<void> {
    await this.#add(this.#messages.end());
    if (this.#isAsked) {
      this.#isAsked = false;
      if (!ahead.interruption.aborted) await this.#answer(ahead.interruption);
      this.#history.endExchange();
      await this.#output.write(end ?? endOfTurnElement());
    } else if (end !== undefined) await this.#output.write(end);
  }

  async #answer(interruption: AbortSignal): Promise<void> {
    const { onError = "fail", streaming = true } = this.#options;
    const { signal } = this.#context;
    try {
      const message = await streamAnswer(this.#source, this.#history.toInput(), {
        context: this.#context,
        interruption,
        // An interrupt must not wait until there is room: what is being handed on gets there before all that follows.
        write: (element) => abortable(this.#output.write(element), AbortSignal.any([signal, interruption])),
        streaming,
      });
      if (message === undefined) return;
      this.#history.add(message);
      await this.#output.write(messageElement(message, { metadata: message.metadata }));
    } catch (error) {
      if (onError === "fail" || signal.aborted) throw error;
      await this.#output.write(errorElement(error instanceof Error ? error : new Error(String(error))));
    }
  }
}

function isSystem(message: PipelineMessage): boolean {
  return "role" in message && message.role === "system";
}
