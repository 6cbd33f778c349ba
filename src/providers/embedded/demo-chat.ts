import { setImmediate as nextTurn } from "node:timers/promises";
import { RUN_OPTIONS } from "../../config/table/run-options.ts";
import { abortableSleep } from "../abortable-sleep.ts";
import type { ChatChunk, ChatProvider, ChatRequest, PromptMessage, Usage } from "../chat-provider.ts";
import { composeDemoAnswer } from "./demo-answer.ts";
import { type DemoOrders, parseDemoOrders } from "./demo-orders.ts";
import { fillSchema } from "./fill-schema.ts";
import { toProviderError } from "../provider-error.ts";
import { toToolCallChunk } from "../answer/tool-arguments.ts";

/** To be shown once, on stderr, by whoever first runs the demo model for a user. */
export const DEMO_NOTICE = `Using embedded:demo, a deterministic demo model and not an LLM; name another with ${RUN_OPTIONS.model.flag.name}, e.g. openai:gpt-5-mini`;

const DEFAULT_DELTA_MS = 15;

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
    const orders = parseDemoOrders(lastUserText(request.messages));
    const pauseMs = orders.slowMs ?? this.#deltaMs;
    const hasResult = request.messages.at(-1)?.role === "tool";
    if (orders.error && !hasResult) {
      await pause(pauseMs, signal);
      throw demoError(orders.error);
    }
    const inputTokens = countInput(request);
    if (orders.calls.length > 0 && !hasResult) {
      yield* this.#call(orders, request, inputTokens, pauseMs, signal);
      return;
    }

    const answer = answerTo(request, orders, hasResult);
    const words = answer.match(/^\s+$|\s*\S+\s*/g) ?? [];
    const limit = request.maxTokens ?? Infinity;
    for (const delta of words.slice(0, limit)) {
      await pause(pauseMs, signal);
      yield { type: "text", delta };
      signal.throwIfAborted();
    }
    const wasCut = words.length > limit;
    yield {
      type: "end",
      stopReason: wasCut ? "length" : "stop",
      providerStopReason: wasCut ? "length" : "stop",
      usage: toUsage(inputTokens, Math.min(words.length, limit)),
      engine: "demo",
    };
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
    let outputTokens = 0;
    for (const [position, { name, argumentsText }] of calls.entries()) {
      await pause(pauseMs, signal);
      outputTokens += 1 + countWords(argumentsText);
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
  if (responseFormat) return JSON.stringify(fillSchema(responseFormat, orders.rest || lastUserText(messages)));
  if (hasResult) return answerFromResults(messages);
  const prompt = system ? [{ role: "system" as const, content: system }, ...messages] : messages;
  return composeDemoAnswer(
    prompt.map(({ role, content }) => ({ role, text: textOf(content) })),
    orders.rest,
  );
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
  if (ms > 0) await abortableSleep(ms, signal);
  else await nextTurn();
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

function countInput({ system, messages }: ChatRequest): number {
  return messages.reduce((count, { content }) => count + countWords(textOf(content)), countWords(system ?? ""));
}

function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

function toUsage(inputTokens: number, outputTokens: number): Usage {
  return { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
}
