import type { MessageCreateParamsStreaming } from "@anthropic-ai/sdk/resources/messages";
import { AnthropicReader } from "./anthropic-reader.ts";
import { toAnthropicRequest } from "./anthropic-request.ts";
import type { ChatChunk, ChatProvider, ChatRequest } from "./chat-provider.ts";
import { brokenStream, toProviderError } from "./provider-error.ts";
import { createAnthropicClient, errorOriginOf } from "./sdk-client.ts";
import type { ResolvedSettings } from "./settings.ts";
import { recordOf } from "./unknown-fields.ts";
import { createStreamWatch, type Fetch } from "./watched-fetch.ts";

/** How long a server may keep the connection open after its last event. */
const CLOSE_GRACE_MS = 500;

/** Anthropic's Messages API. One attempt per stream. */
export class AnthropicMessages implements ChatProvider {
  readonly name = "anthropic";
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
    const reader = new AnthropicReader(request.model);
    try {
      const client = await createAnthropicClient(settings, watch.fetch);
      const body = toAnthropicRequest(request) as unknown as MessageCreateParamsStreaming;
      const events = await client.messages.create(body, { signal });
      for await (const event of events) {
        for (const chunk of reader.read(event)) {
          signal.throwIfAborted();
          yield chunk;
        }
        if (reader.isFinished) watch.settle(CLOSE_GRACE_MS);
      }
      signal.throwIfAborted();
      const rest: ChatChunk[] = [];
      if (reader.eventCount === 0 && watch.jsonBody) {
        const answer = recordOf(JSON.parse(watch.jsonBody)) ?? {};
        if (answer["error"]) throw toProviderError({ error: answer }, origin);
        if (answer["type"] === "message") rest.push(...reader.readWhole(answer));
      }
      if (reader.eventCount === 0) {
        throw brokenStream(this.name, `the answer is no event stream: its type is ${watch.contentType || "unknown"}`);
      }
      if (!reader.isFinished) throw brokenStream(this.name, "the stream broke off: it ended without message_stop");
      for (const chunk of [...rest, ...reader.end()]) {
        signal.throwIfAborted();
        yield chunk;
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : toProviderError(error, origin);
    }
  }
}
