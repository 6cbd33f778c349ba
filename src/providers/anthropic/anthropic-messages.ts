import type { MessageCreateParamsStreaming } from "@anthropic-ai/sdk/resources/messages";
import { AnthropicReader } from "./anthropic-reader.ts";
import { toAnthropicRequest } from "./anthropic-request.ts";
import type { ChatChunk, ChatRequest } from "../chat-provider.ts";
import { brokenStream, type ErrorOrigin, toProviderError } from "../provider-error.ts";
import { type Sending, SdkChat } from "../sdk/sdk-chat.ts";
import { createAnthropicClient } from "../sdk/sdk-client.ts";
import { recordOf } from "../input/unknown-fields.ts";
import type { StreamWatch } from "../sdk/watched-fetch.ts";

/** How long a server may keep the connection open after its last event. */
const CLOSE_GRACE_MS = 500;

/** Anthropic's Messages API. */
export class AnthropicMessages extends SdkChat<AnthropicReader> {
  readonly name = "anthropic";
  protected readonly graceMs = CLOSE_GRACE_MS;

  protected createReader(model: string): AnthropicReader {
    return new AnthropicReader(model);
  }

  protected async send(request: ChatRequest, { settings, fetch, signal }: Sending): Promise<AsyncIterable<unknown>> {
    const client = await createAnthropicClient(settings, fetch);
    return client.messages.create(toAnthropicRequest(request) as unknown as MessageCreateParamsStreaming, { signal });
  }

  protected *readEnd(reader: AnthropicReader, watch: StreamWatch, origin: ErrorOrigin): Generator<ChatChunk> {
    if (reader.eventCount === 0 && watch.jsonBody) {
      const answer = recordOf(JSON.parse(watch.jsonBody)) ?? {};
      if (answer["error"]) throw toProviderError({ error: answer }, origin);
      if (answer["type"] === "message") yield* reader.readWhole(answer);
    }
    if (reader.eventCount === 0) {
      throw brokenStream(this.name, `the answer is not an event stream: its type is ${watch.contentType || "unknown"}`);
    }
    if (!reader.isFinished) throw brokenStream(this.name, "the stream broke off: it ended without message_stop");
    yield* reader.end();
  }
}
