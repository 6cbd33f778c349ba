import type { ResponseCreateParamsStreaming } from "openai/resources/responses/responses";
import type { ChatChunk, ChatProvider, ChatRequest } from "./chat-provider.ts";
import { OpenAIResponsesReader } from "./openai-responses-reader.ts";
import { toResponsesRequest } from "./openai-responses-request.ts";
import { brokenStream, type ErrorOrigin, toProviderError } from "./provider-error.ts";
import { createOpenAIClient, errorOriginOf } from "./sdk-client.ts";
import type { ResolvedSettings } from "./settings.ts";
import { recordOf } from "./unknown-fields.ts";
import { createStreamWatch, type Fetch, type StreamWatch } from "./watched-fetch.ts";

/** How long a server may keep the connection open after its last event. */
const CLOSE_GRACE_MS = 500;

/** OpenAI's responses API, used without state. One attempt per stream. */
export class OpenAIResponses implements ChatProvider {
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
    const reader = new OpenAIResponsesReader(request.model);
    try {
      const client = await createOpenAIClient(settings, watch.fetch);
      const body = toResponsesRequest(request) as unknown as ResponseCreateParamsStreaming;
      for await (const event of await client.responses.create(body, { signal })) {
        for (const chunk of reader.read(event)) {
          signal.throwIfAborted();
          yield chunk;
        }
        if (reader.failure) throw failed(reader.failure, origin);
        if (reader.isFinished) watch.settle(CLOSE_GRACE_MS);
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

function failed(failure: Record<string, unknown>, origin: ErrorOrigin): Error {
  return toProviderError({ error: failure }, origin);
}

/** Some gateways answer with one JSON document although a stream was asked for. */
function* readWholeAnswer(
  reader: OpenAIResponsesReader,
  watch: StreamWatch,
  origin: ErrorOrigin,
): Generator<ChatChunk, void, undefined> {
  if (reader.eventCount > 0 || !watch.jsonBody) return;
  const answer = recordOf(JSON.parse(watch.jsonBody));
  if (answer?.["object"] === "response") yield* reader.readWhole(answer);
  const failure = reader.failure ?? recordOf(answer?.["error"]);
  if (failure) throw failed(failure, origin);
}

function* endOf(
  reader: OpenAIResponsesReader,
  { contentType, isEventStream }: StreamWatch,
  { provider }: ErrorOrigin,
): Generator<ChatChunk, void, undefined> {
  if (reader.eventCount === 0) {
    const note = isEventStream ? "it has no events" : `its type is ${contentType.slice(0, 100) || "unknown"}`;
    throw brokenStream(provider, `the answer is no event stream: ${note}`);
  }
  if (!reader.isFinished) throw brokenStream(provider, "the stream broke off: it ended without response.completed");
  yield* reader.end();
}
