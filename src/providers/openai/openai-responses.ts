import type { ResponseCreateParamsStreaming } from "openai/resources/responses/responses";
import type { ChatChunk, ChatRequest } from "../chat-provider.ts";
import { OpenAIResponsesReader } from "./openai-responses-reader.ts";
import { toResponsesRequest } from "./openai-responses-request.ts";
import { brokenStream, type ErrorOrigin, toProviderError } from "../provider-error.ts";
import { type Sending, SdkChat } from "../sdk/sdk-chat.ts";
import { createOpenAIClient } from "../sdk/sdk-client.ts";
import { recordOf } from "../input/unknown-fields.ts";
import type { StreamWatch } from "../sdk/watched-fetch.ts";

/** How long a server may keep the connection open after its last event. */
const CLOSE_GRACE_MS = 500;

/** OpenAI's responses API, used without state. */
export class OpenAIResponses extends SdkChat<OpenAIResponsesReader> {
  readonly name = "openai";
  protected readonly graceMs = CLOSE_GRACE_MS;

  protected createReader(model: string): OpenAIResponsesReader {
    return new OpenAIResponsesReader(model);
  }

  protected async send(request: ChatRequest, { settings, fetch, signal }: Sending): Promise<AsyncIterable<unknown>> {
    const client = await createOpenAIClient(settings, fetch);
    const body = toResponsesRequest(request) as unknown as ResponseCreateParamsStreaming;
    return client.responses.create(body, { signal });
  }

  protected *readEnd(reader: OpenAIResponsesReader, watch: StreamWatch, origin: ErrorOrigin): Generator<ChatChunk> {
    yield* readWholeAnswer(reader, watch, origin);
    yield* endOf(reader, watch, origin);
  }
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
  if (failure) throw toProviderError({ error: failure }, origin);
}

function* endOf(
  reader: OpenAIResponsesReader,
  { contentType, isEventStream }: StreamWatch,
  { provider }: ErrorOrigin,
): Generator<ChatChunk, void, undefined> {
  if (reader.eventCount === 0) {
    const note = isEventStream ? "it has no events" : `its type is ${contentType.slice(0, 100) || "unknown"}`;
    throw brokenStream(provider, `the answer is not an event stream: ${note}`);
  }
  if (!reader.isFinished) throw brokenStream(provider, "the stream broke off: it ended without response.completed");
  yield* reader.end();
}
