import type { MessageCreateParamsStreaming } from "@anthropic-ai/sdk/resources/messages";
import type { ChatRequest } from "../chat-provider.ts";
import { type Sending, SdkChat } from "../sdk/sdk-chat.ts";
import { createAnthropicClient } from "../sdk/sdk-client.ts";
import { AnthropicReader } from "./anthropic-reader.ts";
import { toAnthropicRequest } from "./anthropic-request.ts";

/** How long a server may keep the connection open after its last event. */
const CLOSE_GRACE_MS = 500;

/** Anthropic's Messages API. */
export class AnthropicMessages extends SdkChat<AnthropicReader> {
  readonly name = "anthropic";
  protected readonly graceMs = CLOSE_GRACE_MS;
  protected readonly endMarker = "message_stop";
  protected override readonly needsEventNames = true;

  protected createReader(request: ChatRequest): AnthropicReader {
    return new AnthropicReader(request, this.name);
  }

  protected async send(request: ChatRequest, { settings, fetch, signal }: Sending): Promise<AsyncIterable<unknown>> {
    const client = await createAnthropicClient(settings, fetch);
    return client.messages.create(toAnthropicRequest(request) as unknown as MessageCreateParamsStreaming, { signal });
  }
}
