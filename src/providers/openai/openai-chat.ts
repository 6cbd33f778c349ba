import type { ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import type { ChatChunk, ChatRequest } from "../chat-provider.ts";
import { OpenAIChatReader } from "./openai-chat-reader.ts";
import { toOpenAIRequest } from "./openai-chat-request.ts";
import { brokenStream, type ErrorOrigin, toProviderError } from "../provider-error.ts";
import { type Sending, SdkChat } from "../sdk/sdk-chat.ts";
import { createOpenAIClient } from "../sdk/sdk-client.ts";
import { recordOf } from "../input/unknown-fields.ts";
import type { StreamWatch } from "../sdk/watched-fetch.ts";

/** How long usage may keep us waiting after the finish reason. */
const USAGE_GRACE_MS = 5000;

/** Chat completions, as OpenAI and the many servers that imitate it speak them. */
export class OpenAIChat extends SdkChat<OpenAIChatReader> {
  readonly name = "openai";
  protected readonly graceMs = USAGE_GRACE_MS;

  protected createReader(model: string): OpenAIChatReader {
    return new OpenAIChatReader(model);
  }

  protected async send(request: ChatRequest, { settings, fetch, signal }: Sending): Promise<AsyncIterable<unknown>> {
    const client = await createOpenAIClient(settings, fetch);
    const body = toOpenAIRequest(request, {
      maxTokensField: settings.maxTokensField ?? (settings.isVendorURL ? "max_completion_tokens" : "max_tokens"),
      streamUsage: settings.streamUsage ?? true,
    });
    return client.chat.completions.create(body as unknown as ChatCompletionCreateParamsStreaming, { signal });
  }

  protected *readEnd(reader: OpenAIChatReader, watch: StreamWatch, origin: ErrorOrigin): Generator<ChatChunk> {
    yield* readWholeAnswer(reader, watch, origin);
    yield* endOf(reader, watch, origin);
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
  if (reader.eventCount === 0)
    throw brokenStream(origin.provider, `the answer is not an event stream${typeNote(watch)}`);
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
