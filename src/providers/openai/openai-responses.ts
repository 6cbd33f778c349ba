import type { ResponseCreateParamsStreaming } from "openai/resources/responses/responses";
import type { ChatRequest } from "../chat-provider.ts";
import { type Sending, SdkChat } from "../sdk/sdk-chat.ts";
import { createOpenAIClient } from "../sdk/sdk-client.ts";
import { OpenAIResponsesReader } from "./openai-responses-reader.ts";
import { toResponsesRequest } from "./openai-responses-request.ts";

/** How long a server may keep the connection open after its last event. */
const CLOSE_GRACE_MS = 500;

/** OpenAI's responses API, used without state. */
export class OpenAIResponses extends SdkChat<OpenAIResponsesReader> {
  readonly name = "openai";
  protected readonly graceMs = CLOSE_GRACE_MS;
  protected readonly endMarker = "response.completed";

  protected createReader(request: ChatRequest): OpenAIResponsesReader {
    return new OpenAIResponsesReader(request, this.name);
  }

  protected async send(request: ChatRequest, { settings, fetch, signal }: Sending): Promise<AsyncIterable<unknown>> {
    const client = await createOpenAIClient(settings, fetch);
    const body = toResponsesRequest(request) as unknown as ResponseCreateParamsStreaming;
    return client.responses.create(body, { signal, __streamMode: "events" });
  }
}
