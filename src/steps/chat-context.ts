import { timeSource } from "../base/time/time-source.ts";
import type { ChatProvider, ChatRequest, PromptMessage, Usage } from "../providers/chat-provider.ts";
import { parseChatInput } from "../providers/input/chat-input.ts";
import { GeppettoError } from "../shared/errors.ts";
import type { ContextChange } from "../shared/step-events.ts";
import { jsonParts, messageParts, PART_CHARS, partTokens, tokenFactor } from "../shared/token-estimate.ts";
import { dropOldest, headOf } from "./chat-turns.ts";
import { addUsage } from "./chat-usage.ts";
import { summarize, summaryMessage } from "./chat-summary.ts";
import type { StepContext } from "./step.ts";

/** Under which name a run calls the function of its script that makes messages fit. */
export const COMPACT_FUNCTION = "context compact";

export interface ContextOptions {
  /** Most tokens of a request, as they are estimated. */
  maxTokens: number;
  /** Default "truncate". */
  compact?: ContextChange["action"];
}

/** A summary that stands for the messages before one of the input's. */
export interface KeptSummary {
  text: string;
  /** The place of the first message that it does not stand for. */
  place: number;
}

export interface ChatContextParts {
  provider: ChatProvider;
  /** The model whose tokens are counted. */
  model: string;
  /** Where each message of the input was in it. */
  places: ReadonlyMap<PromptMessage, number>;
}

/** Of a context that is summarized this much is kept as it is, where it can be; the rest of it leaves room to grow. */
const KEPT_SHARE = 0.5;
/** Of what may be sent this much is the summary, at most. */
const SUMMARY_SHARE = 0.25;
/** With less than this nothing is said that would help. */
const LEAST_SUMMARY_TOKENS = 16;
/** What stands around a summary. */
const HEADING_TOKENS = 20;

/**
 * Keeps what one run sends within a number of tokens. Messages of the system stay, and so do the last turn's first message
 * and its last round; a call of a tool and its result go together.
 */
export class ChatContext {
  /** What summaries have used. */
  usage: Usage | undefined;
  /** The summary that stands for whole turns of the input. */
  kept: KeptSummary | undefined;
  /** How often messages were made to fit. */
  changes = 0;
  readonly #options: ContextOptions;
  readonly #parts: ChatContextParts;
  readonly #counted = new WeakMap<object, number>();

  constructor(options: ContextOptions, parts: ChatContextParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** The messages with a summary of before in the place of those that it stands for. */
  resume(messages: PromptMessage[], summary: KeptSummary | undefined): PromptMessage[] {
    if (summary === undefined) return messages;
    const { text, place } = summary;
    const { places } = this.#parts;
    const rest = messages.filter((message) => isHeld(message) || (places.get(message) ?? Infinity) >= place);
    if (rest.length === messages.length) return messages;
    this.kept = { text, place };
    return withSummary(rest, text);
  }

  /**
   * The request as it fits. Publishes a `context` event where it is another one.
   *
   * @throws {GeppettoError} LimitError with ERR_LIMIT_CONTEXT where what has to stay is too much by itself.
   */
  async fit(request: ChatRequest, context: StepContext): Promise<ChatRequest> {
    const { maxTokens, compact = "truncate" } = this.#options;
    const beside = await this.#tokensBeside(request);
    const before = beside + (await this.#tokensOf(request.messages));
    if (before <= maxTokens) return request;
    const room = maxTokens - beside;
    let summary: string | undefined;
    let action = compact;
    let messages: PromptMessage[];
    if (compact === "function") messages = await this.#ownMessages(request.messages, before, context);
    else if (compact === "summarize") ({ messages, summary } = await this.#summarized(request, room, context));
    else messages = await this.#truncated(request.messages, room);
    if (compact === "summarize" && summary === undefined) action = "truncate";
    const after = beside + (await this.#tokensOf(messages));
    if (after > maxTokens) throw tooLarge(after, maxTokens, compact);
    this.changes++;
    const change: ContextChange = {
      action,
      maxTokens,
      tokensBefore: before,
      tokensAfter: after,
      messagesBefore: request.messages.length,
      messagesAfter: messages.length,
      ...(summary === undefined ? {} : { summary }),
    };
    await context.publish({ type: "context", context: change });
    return { ...request, messages };
  }

  async #truncated(messages: readonly PromptMessage[], room: number): Promise<PromptMessage[]> {
    const tokens = await this.#each(messages);
    return dropOldest(messages, { room, tokensOf: (message) => tokens.get(message)! }).kept;
  }

  async #summarized(
    request: ChatRequest,
    room: number,
    context: StepContext,
  ): Promise<{ messages: PromptMessage[]; summary: string | undefined }> {
    const { maxTokens } = this.#options;
    const tokens = await this.#each(request.messages);
    const tokensOf = (message: PromptMessage): number => tokens.get(message)!;
    const { kept, dropped, isWhole } = dropOldest(request.messages, { room: room * KEPT_SHARE, tokensOf });
    const left = room - kept.reduce((sum, message) => sum + tokensOf(message), 0) - HEADING_TOKENS;
    const summaryTokens = Math.min(left, maxTokens * SUMMARY_SHARE);
    if (dropped.length === 0 || summaryTokens < LEAST_SUMMARY_TOKENS) {
      return { messages: await this.#truncated(request.messages, room), summary: undefined };
    }
    const { provider, model } = this.#parts;
    const asked = { provider, model: request.model, maxTokens, summaryTokens, tokenModel: model };
    const made = await summarize(dropped, asked, context);
    this.usage = addUsage(this.usage, made.usage);
    const place = this.#parts.places.get(kept[headOf(kept)]!);
    if (isWhole && place !== undefined) this.kept = { text: made.text, place };
    return { messages: withSummary(kept, made.text), summary: made.text };
  }

  /** What a function of the script's makes of the messages; those of the system are not its business. */
  async #ownMessages(
    messages: readonly PromptMessage[],
    tokens: number,
    context: StepContext,
  ): Promise<PromptMessage[]> {
    const held = messages.filter(isHeld);
    const given = messages.filter((message) => !isHeld(message));
    const { maxTokens } = this.#options;
    const thoughts = new Map(given.map((message) => [callsOf(message), message.thoughts]));
    const plain = given.map(({ thoughts: _, ...message }) => message);
    const made = await context.callGuest(COMPACT_FUNCTION, { messages: plain, tokens, maxTokens });
    if (!Array.isArray(made)) {
      throw new GeppettoError(
        "ValidationError",
        "Cannot use what context.compact gave: expected a list of messages, or a promise of one",
      );
    }
    const time = timeSource();
    const place = time.place();
    const parsed = await parseChatInput(made);
    // What is loaded on first use takes its time.
    await time.arrive(context.signal, place);
    const restored = parsed.messages.map((message) => {
      const own = message.toolCalls === undefined ? undefined : thoughts.get(callsOf(message));
      return own === undefined ? message : { ...message, thoughts: own };
    });
    return [...held, ...restored];
  }

  async #tokensBeside({ system = "", tools = [], responseFormat }: ChatRequest): Promise<number> {
    const parts = [jsonParts(system), ...tools.map(jsonParts), jsonParts(responseFormat)];
    let sum = 0;
    for (const { texts, tokens } of parts) sum += tokens + (await this.#textTokens(texts));
    return Math.ceil(sum * tokenFactor(this.#parts.model));
  }

  async #tokensOf(messages: readonly PromptMessage[]): Promise<number> {
    let sum = 0;
    for (const tokens of (await this.#each(messages)).values()) sum += tokens;
    return Math.ceil(sum);
  }

  async #each(messages: readonly PromptMessage[]): Promise<Map<PromptMessage, number>> {
    const factor = tokenFactor(this.#parts.model);
    const all = new Map<PromptMessage, number>();
    for (const message of messages) {
      let tokens = this.#counted.get(message);
      if (tokens === undefined) {
        const parts = messageParts(message);
        tokens = (parts.tokens + (await this.#textTokens(parts.texts))) * factor;
        this.#counted.set(message, tokens);
      }
      all.set(message, tokens);
    }
    return all;
  }

  /** Other scripts of this process are not to wait for a long text. */
  async #textTokens(texts: readonly string[]): Promise<number> {
    let sum = 0;
    for (const text of texts) {
      for (let start = 0; start < text.length; start += PART_CHARS) {
        sum += partTokens(text, start);
        await timeSource().giveWay();
      }
    }
    return sum;
  }
}

function isHeld({ role }: PromptMessage): boolean {
  return role === "system" || role === "developer";
}

function withSummary(messages: readonly PromptMessage[], text: string): PromptMessage[] {
  const head = headOf(messages);
  return [...messages.slice(0, head), summaryMessage(text), ...messages.slice(head)];
}

/** What a message with calls is known by when it comes back. */
function callsOf({ toolCalls = [] }: PromptMessage): string {
  return JSON.stringify(toolCalls.map(({ id }) => id));
}

function tooLarge(tokens: number, maxTokens: number, compact: string): GeppettoError {
  const what =
    compact === "function"
      ? "what context.compact gave"
      : "what has to be sent, the last turn and what stands beside it,";
  return new GeppettoError(
    "LimitError",
    `Cannot ask the model: ${what} has about ${tokens} tokens, more than context.maxTokens, ${maxTokens}`,
    { code: "ERR_LIMIT_CONTEXT" },
  );
}
