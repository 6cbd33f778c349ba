import { ATTRIBUTES, OPERATIONS } from "../../base/telemetry/conventions.ts";
import { measureModel } from "../../base/telemetry/measure-model.ts";
import { currentTelemetry, type Attributes, type Telemetry, type TraceSpan } from "../../base/telemetry/trace.ts";
import type { ToolCall } from "../../shared/chat-messages.ts";
import type { ChatChunk, ChatProvider, ChatRequest, EndChunk, StreamOptions, Usage } from "../chat-provider.ts";
import { costOf } from "../cost/price-table.ts";
import { answerContents, requestContents } from "./message-contents.ts";
import { providerAttributes, type ModelFacts } from "./model-facts.ts";

/** Tells of each request to a model, where somebody hears of it; else it is the provider itself that answers. */
export function tracedChat(inner: ChatProvider, facts: ModelFacts): ChatProvider {
  return {
    name: inner.name,
    stream(request, options) {
      const telemetry = currentTelemetry();
      return telemetry === undefined
        ? inner.stream(request, options)
        : streamTraced(telemetry, inner, facts, request, options);
    },
  };
}

async function* streamTraced(
  telemetry: Telemetry,
  inner: ChatProvider,
  facts: ModelFacts,
  request: ChatRequest,
  options: StreamOptions,
): AsyncGenerator<ChatChunk, void, undefined> {
  const startedAt = performance.now();
  const asked = {
    [ATTRIBUTES.operation]: OPERATIONS.chat,
    ...providerAttributes(inner.name, facts),
    [ATTRIBUTES.requestModel]: request.model,
  };
  const span = telemetry.start({
    name: `${OPERATIONS.chat} ${request.model}`,
    isClient: inner.name !== "embedded",
    attributes: { ...asked, ...requestAttributes(request), ...(telemetry.contents ? requestContents(request) : {}) },
  });
  const answer = new Answer(telemetry.contents);
  let failure: { error: unknown } | undefined = { error: { code: "ERR_ABORTED" } };
  // The provider works below the span; whoever reads its answer does not.
  const chunks = span.run(() => inner.stream(request, options));
  try {
    for (;;) {
      const { done, value } = await span.run(() => chunks.next());
      if (done === true) break;
      answer.add(value, performance.now() - startedAt);
      yield value;
    }
    failure = undefined;
  } catch (error) {
    failure = { error };
    throw error;
  } finally {
    // Whoever leaves early is not to leave a connection open.
    if (failure !== undefined) await chunks.return().catch(() => {});
    answer.tell(span, request, facts);
    span.end(failure);
    measureModel(telemetry, performance.now() - startedAt, { ...asked, ...answer.labels }, answer.tokens, failure);
  }
}

/** What is known of the answer. */
class Answer {
  readonly #keepsContents: boolean;
  readonly #calls: ToolCall[] = [];
  #text = "";
  #end: EndChunk | undefined;
  #firstMs: number | undefined;

  constructor(keepsContents: boolean) {
    this.#keepsContents = keepsContents;
  }

  add(chunk: ChatChunk, ms: number): void {
    this.#firstMs ??= ms;
    if (chunk.type === "end") this.#end = chunk;
    else if (!this.#keepsContents) return;
    else if (chunk.type === "text") this.#text += chunk.delta;
    else if (chunk.type === "tool-call") this.#calls.push(chunk.toolCall);
  }

  get tokens(): { input: number; output: number } | undefined {
    const usage = this.#end?.usage;
    return usage && { input: inputTokens(usage), output: usage.outputTokens };
  }

  get labels(): Attributes {
    return { [ATTRIBUTES.responseModel]: this.#end?.engine };
  }

  tell(span: TraceSpan, request: ChatRequest, { prices, isLocal }: ModelFacts): void {
    const { engine, responseId, stopReason, providerStopReason, usage } = this.#end ?? {};
    const reason = providerStopReason ?? stopReason;
    span.set({
      [ATTRIBUTES.responseModel]: engine,
      [ATTRIBUTES.responseId]: responseId,
      [ATTRIBUTES.finishReasons]: reason === undefined ? undefined : [reason],
      [ATTRIBUTES.timeToFirstChunk]: this.#firstMs === undefined ? undefined : this.#firstMs / 1000,
      [ATTRIBUTES.inputTokens]: usage && inputTokens(usage),
      [ATTRIBUTES.outputTokens]: usage?.outputTokens,
      [ATTRIBUTES.cacheReadTokens]: usage?.cacheReadInputTokens ?? usage?.cachedTokens,
      [ATTRIBUTES.cacheCreationTokens]: usage?.cacheCreationInputTokens,
      [ATTRIBUTES.reasoningTokens]: usage?.reasoningTokens,
      [ATTRIBUTES.cost]: costOf(usage, request.model, prices, { isLocal }),
      ...(this.#keepsContents ? answerContents(this.#text, this.#calls, reason ?? "error") : {}),
    });
  }
}

/** All that was read: Anthropic's count leaves out what came from a cache and what went into one. */
function inputTokens({ inputTokens: counted, cacheReadInputTokens, cacheCreationInputTokens = 0 }: Usage): number {
  return cacheReadInputTokens === undefined ? counted : counted + cacheReadInputTokens + cacheCreationInputTokens;
}

function requestAttributes({ maxTokens, temperature, topP, stop, seed, responseFormat }: ChatRequest): Attributes {
  return {
    [ATTRIBUTES.maxTokens]: maxTokens,
    [ATTRIBUTES.temperature]: temperature,
    [ATTRIBUTES.topP]: topP,
    [ATTRIBUTES.stop]: stop,
    [ATTRIBUTES.seed]: seed,
    [ATTRIBUTES.stream]: true,
    [ATTRIBUTES.outputType]: responseFormat === undefined ? "text" : "json",
  };
}
