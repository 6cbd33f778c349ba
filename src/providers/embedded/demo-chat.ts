import { RUN_OPTIONS } from "../../config/table/run-options.ts";
import { timeSource } from "../../base/time/time-source.ts";
import type { ChatChunk, ChatProvider, ChatRequest, PromptMessage, Usage } from "../chat-provider.ts";
import { composeDemoAnswer, type DemoLine } from "./demo-answer.ts";
import { type DemoOrders, parseDemoOrders } from "./demo-orders.ts";
import { fillSchema } from "./fill-schema.ts";
import { toProviderError } from "../provider-error.ts";
import { MAX_CALLS, tooLarge } from "../answer/answer-text.ts";
import { JSON_LIMITS } from "../answer/json-progress.ts";
import { toToolCallChunk } from "../answer/tool-arguments.ts";

/** To be shown once, on stderr, by whoever first runs the demo model for a user. */
export const DEMO_NOTICE = `Using embedded:demo, a deterministic demo model and not an LLM; name another with ${RUN_OPTIONS.model.flag.name}, e.g. openai:gpt-5-mini`;

const DEFAULT_DELTA_MS = 15;
/** Most of the conversation that it looks for an answer in, the newest first, in UTF-16 units. */
const MAX_READ_CHARS = 256 * 1024;
/** How much is read before others have their turn, in UTF-16 units. */
const LONG_CHARS = 1024 * 1024;
/** One delta: a word with the space after it. */
const WORD = /^\s+$|\s*\S+\s*/g;
const WIDE_SPACE = /\s/;
/** What it tells as its reasoning where it is asked for some. */
const THOUGHTS = "The answer is what shares most words with the question.";

/**
 * A model that needs no key: deterministic, openly labelled, able to produce every kind of event. Streams one word per
 * delta, each with the space after it. Counts words as tokens. Lines of the last user message give it orders, see
 * {@link parseDemoOrders}.
 */
export class DemoChat implements ChatProvider {
  readonly name = "embedded";
  readonly #deltaMs: number;

  constructor(options: { deltaMs?: number | undefined } = {}) {
    this.#deltaMs = options.deltaMs ?? DEFAULT_DELTA_MS;
  }

  async *stream(request: ChatRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ChatChunk, void, undefined> {
    signal.throwIfAborted();
    const prompt = lastUserText(request.messages);
    // Each pass over a text of megabytes takes tens of milliseconds: others have their turn between them.
    const pass = async (): Promise<void> => {
      if (prompt.length > LONG_CHARS) await pause(0, signal);
    };
    await pass();
    const orders = parseDemoOrders(prompt);
    await pass();
    const pauseMs = orders.slowMs ?? this.#deltaMs;
    const hasResult = request.messages.at(-1)?.role === "tool";
    if (orders.error && !hasResult) {
      await pause(pauseMs, signal);
      throw demoError(orders.error);
    }
    const inputTokens = await countInput(request, signal);
    await pass();
    if (orders.calls.length > 0 && !hasResult) {
      yield* this.#call(orders, request, inputTokens, pauseMs, signal);
      return;
    }

    const reasoningTokens = yield* this.#reason(request, pauseMs, signal);
    const limit = request.maxTokens ?? Infinity;
    let outputTokens = 0;
    let wasCut = false;
    for (const [delta] of answerTo(request, orders, hasResult).matchAll(WORD)) {
      wasCut = outputTokens >= limit;
      if (wasCut) break;
      await pause(pauseMs, signal);
      yield { type: "text", delta };
      signal.throwIfAborted();
      outputTokens++;
    }
    yield {
      type: "end",
      stopReason: wasCut ? "length" : "stop",
      providerStopReason: wasCut ? "length" : "stop",
      usage: toUsage(inputTokens, outputTokens, reasoningTokens),
      engine: "demo",
    };
  }

  /** Thinks aloud where reasoning is asked for; returns in how many words. */
  async *#reason(
    { reasoning }: ChatRequest,
    pauseMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<ChatChunk, number, undefined> {
    if (reasoning === undefined || reasoning.effort === "none") return 0;
    let count = 0;
    for (const [delta] of THOUGHTS.matchAll(WORD)) {
      await pause(pauseMs, signal);
      yield { type: "reasoning", delta };
      signal.throwIfAborted();
      count++;
    }
    return count;
  }

  async *#call(
    { calls }: DemoOrders,
    request: ChatRequest,
    inputTokens: number,
    pauseMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<ChatChunk, void, undefined> {
    // Ids differ from round to round of one conversation and are the same in every run.
    const earlier = request.messages.reduce((count, { toolCalls }) => count + (toolCalls?.length ?? 0), 0);
    if (calls.length > MAX_CALLS) throw tooLarge(this.name, `it has more than ${MAX_CALLS} tool calls`);
    let outputTokens = 0;
    for (const [position, { name, argumentsText }] of calls.entries()) {
      await pause(pauseMs, signal);
      if (argumentsText.length > JSON_LIMITS.chars) {
        throw tooLarge(this.name, `the arguments of a tool call have more than ${JSON_LIMITS.chars} characters`);
      }
      outputTokens += 1 + (await countWords(argumentsText, signal));
      yield toToolCallChunk(`demo_call_${earlier + position + 1}`, name, argumentsText);
      signal.throwIfAborted();
    }
    const usage = toUsage(inputTokens, outputTokens);
    yield { type: "end", stopReason: "tool-calls", providerStopReason: "tool_calls", usage, engine: "demo" };
  }
}

function answerTo(request: ChatRequest, orders: DemoOrders, hasResult: boolean): string {
  const { messages, system, responseFormat } = request;
  if (orders.echo !== undefined && !hasResult) return orders.echo;
  if (responseFormat)
    return JSON.stringify(fillSchema(responseFormat, (orders.rest || lastUserText(messages)).slice(0, MAX_READ_CHARS)));
  if (hasResult) return answerFromResults(messages);
  const prompt = system ? [{ role: "system" as const, content: system }, ...messages] : messages;
  return composeDemoAnswer(readableLines(prompt), orders.rest.slice(0, MAX_READ_CHARS));
}

/** The newest messages, as far as the model reads. */
function readableLines(messages: readonly PromptMessage[]): DemoLine[] {
  const lines: DemoLine[] = [];
  let left = MAX_READ_CHARS;
  for (const { role, content } of messages.toReversed()) {
    const text = textOf(content).slice(0, left);
    left -= text.length;
    lines.unshift({ role, text });
    if (left <= 0) break;
  }
  return lines;
}

function answerFromResults(messages: readonly PromptMessage[]): string {
  const lastAsk = messages.findLastIndex(({ role }) => role === "assistant");
  const names = new Map(messages[lastAsk]?.toolCalls?.map(({ id, name }) => [id, name]));
  const sentences = messages
    .slice(lastAsk + 1)
    .filter(({ role }) => role === "tool")
    .map(({ content, toolCallId }) => `${names.get(toolCallId ?? "") ?? "The tool"} answered: ${textOf(content)}`);
  return `[demo] ${sentences.join("\n")}`;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await timeSource().sleep(ms, signal);
  signal.throwIfAborted();
}

function demoError({ status, tag }: { status: number; tag: string }): Error {
  const message = "the demo model was told to fail";
  return toProviderError({ status, error: { message, code: tag } }, { provider: "embedded", secrets: [] });
}

function lastUserText(messages: readonly PromptMessage[]): string {
  return textOf(messages.findLast(({ role }) => role === "user")?.content ?? "");
}

function textOf(content: PromptMessage["content"]): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "[image]")).join("\n");
}

async function countInput({ system = "", messages }: ChatRequest, signal: AbortSignal): Promise<number> {
  let count = await countWords(system, signal);
  let chars = 0;
  for (const { content } of messages) {
    const text = textOf(content);
    chars += text.length;
    if (chars > LONG_CHARS) {
      chars = 0;
      await pause(0, signal);
    }
    count += await countWords(text, signal);
  }
  return count;
}

/** Counts without keeping the words: a script's text may have millions. */
async function countWords(text: string, signal: AbortSignal): Promise<number> {
  let count = 0;
  let inWord = false;
  for (let i = 0; i < text.length; i++) {
    if (i % LONG_CHARS === LONG_CHARS - 1) await pause(0, signal);
    const code = text.charCodeAt(i);
    const isSpace = code <= 32 || (code >= 0xa0 && WIDE_SPACE.test(text[i]!));
    if (!isSpace && !inWord) count++;
    inWord = !isSpace;
  }
  return count;
}

function toUsage(inputTokens: number, words: number, reasoningTokens = 0): Usage {
  const outputTokens = words + reasoningTokens;
  return {
    inputTokens,
    outputTokens,
    ...(reasoningTokens > 0 ? { reasoningTokens } : {}),
    totalTokens: inputTokens + outputTokens,
  };
}
