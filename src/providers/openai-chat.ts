import type { ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import type { ChatChunk, ChatProvider, ChatRequest } from "./chat-provider.ts";
import { OpenAIChatReader } from "./openai-chat-reader.ts";
import { toOpenAIRequest } from "./openai-chat-request.ts";
import { brokenStream, type ErrorOrigin, toProviderError } from "./provider-error.ts";
import { createOpenAIClient, errorOriginOf } from "./sdk-client.ts";
import type { ResolvedSettings } from "./settings.ts";
import { recordOf } from "./unknown-fields.ts";
import { createStreamWatch, type Fetch, type StreamWatch } from "./watched-fetch.ts";

/** How long usage may keep us waiting after the finish reason. */
const USAGE_GRACE_MS = 5000;

/** Chat completions, as OpenAI and the many servers that imitate it speak them. One attempt per stream. */
export class OpenAIChat implements ChatProvider {
  readonly name = "openai";
  readonly #settings: ResolvedSettings;
  readonly #fetch: Fetch | undefined;

  constructor(settings: ResolvedSettings, options: { fetch?: Fetch } = {}) {
    this.#settings = settings;
    this.#fetch = options.fetch;
  }

  async *stream(request: ChatRequest, { signal }: { signal: AbortSignal }): AsyncGenerator<ChatChunk, void, undefined> {
    signal.throwIfAborted();
    const settings = this.#settings;
    const origin = errorOriginOf(settings);
    const watch = createStreamWatch({
      provider: this.name,
      idleTimeoutMs: settings.idleTimeoutMs,
      ...(this.#fetch ? { fetch: this.#fetch } : {}),
    });
    const reader = new OpenAIChatReader(request.model);
    try {
      const client = await createOpenAIClient(settings, watch.fetch);
      const body = toOpenAIRequest(request, {
        maxTokensField: settings.maxTokensField ?? (settings.isVendorURL ? "max_completion_tokens" : "max_tokens"),
        streamUsage: settings.streamUsage ?? true,
      });
      const events = await client.chat.completions.create(body as unknown as ChatCompletionCreateParamsStreaming, {
        signal,
      });
      for await (const event of events) {
        for (const chunk of reader.read(event)) {
          signal.throwIfAborted();
          yield chunk;
        }
        if (reader.isFinished) watch.settle(USAGE_GRACE_MS);
      }
      signal.throwIfAborted();
      for (const chunk of [...readWholeAnswer(reader, watch, origin), ...endOf(reader, watch, origin)]) {
        signal.throwIfAborted();
        yield chunk;
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : toProviderError(error, origin);
    }
  }
}

/** Some gateways answer with one JSON document although a stream was asked for. */
function* readWholeAnswer(
  reader: OpenAIChatReader,
  watch: StreamWatch,
  origin: ErrorOrigin,
): Generator<ChatChunk, void, undefined> {
  if (reader.eventCount > 0 || !watch.jsonBody) return;
  const answer = recordOf(JSON.parse(watch.jsonBody));
  if (answer?.["error"]) throw toProviderError({ error: answer["error"] }, origin);
  if (Array.isArray(answer?.["choices"])) yield* reader.read(answer);
}

function* endOf(
  reader: OpenAIChatReader,
  watch: StreamWatch,
  origin: ErrorOrigin,
): Generator<ChatChunk, void, undefined> {
  if (watch.errorField !== undefined) throw toProviderError(fromErrorField(watch.errorField), origin);
  if (reader.eventCount === 0) throw brokenStream(origin.provider, `the answer is no event stream${typeNote(watch)}`);
  if (!reader.isFinished && !watch.sawDone) {
    throw brokenStream(origin.provider, "the stream broke off: it ended without a finish reason");
  }
  yield* reader.end();
}

/** Old llama.cpp reports failures as an SSE field of its own: `error: {"code": 500, "message": …}`. */
function fromErrorField(field: string): unknown {
  try {
    return { error: JSON.parse(field) as unknown };
  } catch {
    return { error: { message: field } };
  }
}

function typeNote({ contentType, isEventStream }: StreamWatch): string {
  if (isEventStream) return ": it has no events";
  return contentType ? `: its type is ${contentType.slice(0, 100)}` : "";
}
