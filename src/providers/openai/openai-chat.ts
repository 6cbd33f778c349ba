import type { ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import type { ChatRequest } from "../chat-provider.ts";
import { type Sending, SdkChat } from "../sdk/sdk-chat.ts";
import { createOpenAIClient } from "../sdk/sdk-client.ts";
import { OpenAIChatReader } from "./openai-chat-reader.ts";
import { toOpenAIRequest } from "./openai-chat-request.ts";

/** How long usage may keep us waiting after the finish reason. */
const USAGE_GRACE_MS = 5000;

/** Chat completions, as OpenAI and the many servers that imitate it speak them. */
export class OpenAIChat extends SdkChat<OpenAIChatReader> {
  readonly name = "openai";
  protected readonly graceMs = USAGE_GRACE_MS;
  protected readonly endMarker = "a finish reason";
  protected override readonly endsWithDone = true;

  protected createReader(request: ChatRequest): OpenAIChatReader {
    return new OpenAIChatReader(request, this.name);
  }

  protected async send(request: ChatRequest, { settings, fetch, signal }: Sending): Promise<AsyncIterable<unknown>> {
    const client = await createOpenAIClient(settings, fetch);
    const body = toOpenAIRequest(request, {
      maxTokensField: settings.maxTokensField ?? (settings.isVendorURL ? "max_completion_tokens" : "max_tokens"),
      streamUsage: settings.streamUsage ?? true,
    });
    return client.chat.completions.create(body as unknown as ChatCompletionCreateParamsStreaming, {
      signal,
      // Failures come as events too: the SDK keeps a part of their texts only.
      __streamMode: "events",
    });
  }
}
